import type { AuthorizationPolicy, AuthorizationRule } from '../../src/features/authorization/manifest.ts';

/** A request in the terms of Istio's documentation; `http` is absent on TCP. */
export interface Asked {
  readonly principal: string;
  readonly ip: string;
  readonly port: number;
  readonly http?: { readonly method: string; readonly path: string; readonly host: string; readonly headers: Readonly<Record<string, string>>; readonly token: string };
}

type Policy = Pick<AuthorizationPolicy, 'rules' | 'action'>;
/** AuthorizationPolicy as istio.io documents it, read naively: no compilation, no Envoy. */
export function isAllowed(policies: readonly Policy[], asked: Asked): boolean {
  const some = (action: Policy['action']): boolean => policies.some((policy) => policy.action === action && (policy.rules ?? []).some((rule) => ruleMatches(rule, asked, action)));
  if (some('DENY')) return false;
  return policies.every(({ action }) => action !== 'ALLOW') || some('ALLOW');
}

function ruleMatches(rule: AuthorizationRule, asked: Asked, action: Policy['action']): boolean {
  const { from, to, when } = rule;
  const { http } = asked;
  const value = (values: readonly string[], found: string | undefined): boolean => values.some((written) => found !== undefined && fits(written, found));
  // On TCP, anything about HTTP makes an ALLOW rule void, and is no condition of a DENY rule.
  if (http === undefined && action === 'ALLOW' && aboutHttp(rule)) return false;
  const pair = (values: readonly string[], notValues: readonly string[], test: (list: readonly string[]) => boolean): boolean => (values.length === 0 || test(values)) && (notValues.length === 0 || !test(notValues));
  const httpPair = (values: readonly string[], notValues: readonly string[], test: (list: readonly string[]) => boolean): boolean => http === undefined || pair(values, notValues, test);
  const known = asked.principal === '' ? undefined : asked.principal.replace('spiffe://', '');
  const [, namespace] = /\/ns\/([^/]+)\//.exec(known ?? '') ?? [];
  const source = (from ?? [{}]).some(({ source: s }) => s === undefined || (
    pair(s.principals, s.notPrincipals, (list) => value(list, known))
    && pair(s.namespaces, s.notNamespaces, (list) => value(list, namespace))
    && pair(s.ipBlocks, s.notIpBlocks, (list) => list.some((block) => inBlock(block, asked.ip)))
    && httpPair(s.requestPrincipals, s.notRequestPrincipals, (list) => value(list, http?.token === '' ? undefined : http?.token))));
  const operation = (to ?? [{}]).some(({ operation: o }) => o === undefined || (
    pair(o.ports, o.notPorts, (list) => list.includes(String(asked.port)))
    && httpPair(o.methods, o.notMethods, (list) => value(list, http?.method))
    && httpPair(o.hosts, o.notHosts, (list) => value(list.map((host) => host.toLowerCase()), http?.host.toLowerCase()))
    && httpPair(o.paths, o.notPaths, (list) => value(list, http?.path.split('?')[0]))));
  return source && operation && when.every(({ key, values, notValues }) => {
    if (key === 'source.namespace') return pair(values, notValues, (list) => value(list, namespace));
    if (key === 'destination.port') return pair(values, notValues, (list) => list.includes(String(asked.port)));
    return httpPair(values, notValues, (list) => value(list, http?.headers[key.slice('request.headers['.length, -1)]));
  });
}

function aboutHttp({ from = [], to = [], when }: AuthorizationRule): boolean {
  const written = (part: object = {}): boolean => Object.entries(part).some(([field, values]) => (values as string[]).length > 0 && /request|host|method|path/i.test(field));
  return from.some(({ source }) => written(source)) || to.some(({ operation }) => written(operation)) || when.some(({ key }) => key.startsWith('request.'));
}

function fits(written: string, found: string): boolean {
  if (written.startsWith('*')) return found !== '' && found.endsWith(written.slice(1));
  return written.endsWith('*') ? found.startsWith(written.slice(0, -1)) : written === found;
}

function inBlock(block: string, ip: string): boolean {
  const [base = '', length = '32'] = block.split('/');
  const bits = (address: string): string => address.split('.').map((byte) => Number(byte).toString(2).padStart(8, '0')).join('');
  return bits(base).slice(0, Number(length)) === bits(ip).slice(0, Number(length));
}
