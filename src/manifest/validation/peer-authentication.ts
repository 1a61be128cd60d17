import type { TypedResource } from '../guards.ts';
import { checkPort, checkSelector } from './names.ts';
import type { Report } from './report.ts';

/** Istio's admission rules for a PeerAuthentication. */
export function validatePeerAuthentication(resource: TypedResource<'PeerAuthentication'>, report: Report): void {
  const { selector, portLevelMtls } = resource.spec;
  const labels = selector?.matchLabels ?? {};
  if (selector !== undefined) checkSelector(labels, report.at('selector', 'matchLabels'));
  const written = (resource.body['spec'] as { readonly portLevelMtls?: unknown } | undefined)?.portLevelMtls;
  const place = report.at('portLevelMtls');
  if (typeof written === 'object' && written !== null && Object.keys(portLevelMtls).length === 0) place.error('portLevelMtls is empty.', 'Remove it, or name a port.');
  if (Object.keys(portLevelMtls).length > 0 && Object.keys(labels).length === 0) place.error('portLevelMtls needs a selector: ports belong to workloads.');
  for (const port of Object.keys(portLevelMtls)) {
    if (/^\d+$/.test(port)) checkPort(Number(port), place.at(port));
    else place.at(port).error(`“${port}” is not a port number.`);
  }
}
