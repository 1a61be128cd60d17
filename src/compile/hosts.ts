/** Host names as Istio compares them: exact, or with `*` as the first label. */

/** Whether a host stands for many. */
export function isWildcard(host: string): boolean {
  return host.startsWith('*');
}

/** Whether two hosts have a name in common. Wildcards on either side. */
export function hostsOverlap(a: string, b: string): boolean {
  if (!isWildcard(a)) return isWildcard(b) ? a.endsWith(b.slice(1)) : a === b;
  if (!isWildcard(b)) return b.endsWith(a.slice(1));
  return a.length < b.length ? b.endsWith(a.slice(1)) : a.endsWith(b.slice(1));
}

/** Whether every name of `host` is a name of `set`. */
export function hostIsIn(host: string, set: string): boolean {
  return hostsOverlap(host, set) && (isWildcard(set) ? !isWildcard(host) || host.length >= set.length : !isWildcard(host));
}

/** The hosts that both lists serve: of each overlapping pair, the narrower one. Order of the first list. */
export function intersectHosts(first: readonly string[], second: readonly string[]): readonly string[] {
  const found = new Set<string>();
  for (const a of first) for (const b of second) if (hostsOverlap(a, b)) found.add(hostIsIn(a, b) ? a : b);
  return [...found];
}

/** Orders hosts from the most to the least specific: exact ones, then the longer wildcard. */
export function bySpecificity(a: string, b: string): number {
  const wild = Number(isWildcard(a)) - Number(isWildcard(b));
  return wild !== 0 ? wild : b.length - a.length;
}

/** A name without dots is a service of the same namespace; everything else is taken as it stands. */
export function resolveHost(host: string, namespace: string, domainSuffix: string): string {
  if (host === '' || host.includes('.') || host.includes('*')) return host.toLowerCase();
  return domainSuffix === '' ? `${host}.${namespace}` : `${host}.${namespace}.svc.${domainSuffix}`;
}

/** The shorter names under which a proxy's application knows a Kubernetes service. */
export function shortNames(host: string, proxyNamespace: string): readonly string[] {
  const svc = host.indexOf('.svc.');
  const dot = host.indexOf('.');
  if (svc < 0 || dot < 0 || dot >= svc) return [];
  const local = host.slice(0, svc);
  return host.slice(dot + 1, svc) === proxyNamespace ? [host.slice(0, dot), `${local}.svc`, local] : [local, `${local}.svc`];
}

/** A gateway's name as `namespace/name`; `mesh` stays. */
export function resolveGateway(name: string, namespace: string): string {
  if (name === 'mesh') return name;
  if (name.startsWith('./')) return `${namespace}/${name.slice(2)}`;
  if (name.includes('/')) return name;
  const [short = '', other] = name.split('.');
  return other === undefined ? `${namespace}/${name}` : `${other}/${short}`;
}
