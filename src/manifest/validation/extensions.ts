import type { TypedResource } from '../guards.ts';
import type { Report } from './report.ts';
import { checkTargets } from './targets.ts';

/** Istio's admission rules for a WasmPlugin; what its schema says is checked before. */
export function validateWasmPlugin({ spec }: TypedResource<'WasmPlugin'>, report: Report): void {
  checkTargets(spec, report);
  const { url, sha256 } = spec;
  const tag = /^(?:oci:\/\/)?[^@]*@sha256:([a-f0-9]+)$/.exec(url)?.[1];
  if (tag !== undefined && sha256 !== '' && tag !== sha256) report.at('sha256').error('The sum in the URL is another one than sha256.', 'Keep one of them.');
}

/** Istio's admission rules for a TrafficExtension; what its schema says is checked before. */
export function validateTrafficExtension({ spec }: TypedResource<'TrafficExtension'>, report: Report): void {
  checkTargets(spec, report);
}
