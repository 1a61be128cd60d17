import type { TypedResource } from '../guards.ts';
import { checkLabels, domainFault, isIp } from './names.ts';
import type { Report } from './report.ts';

/** Istio's admission rules for a WorkloadGroup; what its schema says is checked before. */
export function validateWorkloadGroup({ spec }: TypedResource<'WorkloadGroup'>, report: Report): void {
  const { metadata, template, probe } = spec;
  checkLabels(metadata?.labels ?? {}, report.at('metadata', 'labels'));
  if (template !== undefined) {
    checkLabels(template.labels, report.at('template', 'labels'));
    const { address } = template;
    if (address !== '' && !address.startsWith('unix://') && !isIp(address) && domainFault(address) !== undefined) report.at('template', 'address').error(`The address “${address}” is neither a name nor an IP address.`);
  }
  if (probe === undefined) return;
  const methods = [probe.httpGet, probe.tcpSocket, probe.exec, probe.grpc].filter((method) => method !== undefined);
  if (methods.length === 0) report.at('probe').error('The probe does not say how to ask.', 'Write httpGet, tcpSocket, exec or grpc.');
  if (probe.exec?.command.length === 0) report.at('probe', 'exec').error('The command is empty.');
  if (probe.grpc !== undefined && probe.grpc.port === undefined) report.at('probe', 'grpc').error('The probe has no port.', 'Write grpc.port.');
}
