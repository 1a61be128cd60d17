import type { Check, RequestFilter, ResourceCheck } from './checks.ts';
import type { Measured } from './evaluate.ts';

/** What a check that does not hold waits for, in a learner's words. */
export function describe(check: Check, seen: Measured): string {
  if ('resource' in check) return `Waiting for ${resource(check.resource)}`;
  if ('noResource' in check) return `Waiting until ${resource(check.noResource)} is gone`;
  if ('traffic' in check) return `Waiting for ${requests(check.traffic)}${of(seen)}`;
  if ('noTraffic' in check) return (seen.have ?? 0) === 0 ? `Waiting until there are no more ${requests(check.noTraffic)}` : `No ${requests(check.noTraffic)} any more; watching${of(seen)}`;
  if ('share' in check) {
    const { service, version, between: [low, high] } = check.share;
    const wanted = low === high || high >= 1 && low >= 0.95 ? 'all' : `${percent(low)} to ${percent(high)} %`;
    if ((seen.have ?? 0) < (seen.need ?? 0)) return `Waiting for requests to ${service}${of(seen)}`;
    return `Waiting until ${wanted} of the requests to ${service} are answered by ${version}; now it is ${percent(seen.share ?? 0)} %`;
  }
  return `Waiting until a pod of ${[check.pod.app, check.pod.version].filter((word) => word !== undefined).join(' ')} is ready`;
}

function of({ have = 0, need = 1 }: Measured): string {
  return need <= 1 ? '' : ` (${Math.min(have, need)} of ${need})`;
}

const percent = (share: number): number => Math.round(share * 100);

function resource({ kind, name, namespace, host, has }: Partial<ResourceCheck> & Pick<ResourceCheck, 'kind'>): string {
  const where = [name, host === undefined ? undefined : `for ${host}`, namespace === undefined ? undefined : `in ${namespace}`].filter((word) => word !== undefined).join(' ');
  const fields = Object.entries(has ?? {}).map(([path, expected]) => `${last(path)}${typeof expected === 'object' ? '' : ` ${String(expected)}`}`);
  return [`a ${kind}`, where, fields.length === 0 ? '' : `with ${fields.join(' and ')}`].filter((word) => word !== '').join(' ');
}

const last = (path: string): string => path.replaceAll(/\[[^\]]*\]/g, '').split('.').at(-1) ?? path;

function requests(filter: RequestFilter): string {
  const { service, from, version, path, status, flags, mtls, retries, slowerThan } = filter;
  return [
    mtls === undefined ? '' : mtls ? 'mTLS' : 'plaintext',
    'requests',
    from === undefined ? '' : `from ${from}`,
    service === undefined ? '' : `to ${service}${version === undefined ? '' : ` ${version}`}`,
    path === undefined ? '' : `for ${path}`,
    status === undefined ? '' : `with status ${status}`,
    flags === undefined ? '' : `with flag ${flags.join(', ')}`,
    retries === undefined ? '' : 'that were retried',
    slowerThan === undefined ? '' : `slower than ${slowerThan} ms`,
  ].filter((word) => word !== '').join(' ');
}
