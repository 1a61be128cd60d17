import type { VirtualHost } from '../xds/index.ts';

/** Virtual hosts by domain, searched in Envoy's order: exact, longest `*suffix`, longest `prefix*`, `*`. */
export interface DomainIndex<Host> {
  find(authority: string): Host | undefined;
}

/** Indexes domains. The first virtual host that names a domain has it, so a table with a repeated domain is rejected by throwing. */
export function indexDomains<Host>(hosts: readonly (readonly [VirtualHost, Host])[], ignorePort: boolean): DomainIndex<Host> {
  const exact = new Map<string, Host>();
  const suffixes = new Wildcards<Host>();
  const prefixes = new Wildcards<Host>();
  let any: Host | undefined;
  for (const [config, host] of hosts) {
    for (const raw of config.domains ?? []) {
      const domain = raw.toLowerCase();
      if (domain === '*') any = once(any, host, domain);
      else if (domain.startsWith('*')) suffixes.add(domain.slice(1), host);
      else if (domain.endsWith('*')) prefixes.add(domain.slice(0, -1), host);
      else exact.set(domain, once(exact.get(domain), host, domain));
    }
  }
  const search = (name: string): Host | undefined =>
    exact.get(name) ?? suffixes.find(name, (length) => name.slice(-length)) ?? prefixes.find(name, (length) => name.slice(0, length)) ?? any;
  return {
    find(authority) {
      const host = ignorePort ? withoutPort(authority) : authority;
      return exact.get(host) ?? search(host.toLowerCase());
    },
  };
}

/** An authority without its port; IPv6 in brackets stays whole. */
export function withoutPort(authority: string): string {
  const colon = authority.lastIndexOf(':');
  return colon < 0 || authority.indexOf(']', colon) >= 0 ? authority : authority.slice(0, colon);
}

function once<Host>(before: Host | undefined, host: Host, domain: string): Host {
  if (before !== undefined) throw new Error(`only unique values for domains are permitted: duplicate entry of domain ${domain}`);
  return host;
}

/** Wildcard domains by their fixed part, tried from the longest length down. At least one character must stand for the `*`. */
class Wildcards<Host> {
  private readonly byLength = new Map<number, Map<string, Host>>();
  private lengths: number[] = [];

  add(fixed: string, host: Host): void {
    const known = this.byLength.get(fixed.length) ?? new Map<string, Host>();
    known.set(fixed, once(known.get(fixed), host, `*${fixed}`));
    this.byLength.set(fixed.length, known);
    this.lengths = [...this.byLength.keys()].sort((a, b) => b - a);
  }

  find(name: string, part: (length: number) => string): Host | undefined {
    for (const length of this.lengths) {
      if (length >= name.length) continue;
      const host = this.byLength.get(length)?.get(part(length));
      if (host !== undefined) return host;
    }
    return undefined;
  }
}
