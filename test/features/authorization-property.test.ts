import { expect, test } from 'vitest';
import { httpAccess, networkAccess, trustDomains, type AppliedPolicy } from '../../src/features/authorization/compile.ts';
import { AuthorizationPolicy } from '../../src/features/authorization/manifest.ts';
import { prepareAccessFilter, type AccessFacts } from '../../src/routing/index.ts';
import type { RbacFilter } from '../../src/xds/index.ts';
import { isAllowed, type Asked } from './authorization-reference.ts';

/** Mulberry32: a small generator, so that a seed gives the same policies everywhere. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const words = {
  principals: ['cluster.local/ns/foo/sa/a', 'cluster.local/ns/bar/sa/b', 'cluster.local/ns/foo/*', '*/sa/a', '*'],
  namespaces: ['foo', 'bar', 'f*', '*r', '*'], ipBlocks: ['10.0.0.0/8', '10.1.0.0/16', '10.1.2.3', '192.168.0.0/30'], requestPrincipals: ['iss/sub', 'iss/*', '*/sub', '*'],
  ports: ['80', '8080'], methods: ['GET', 'POST', 'P*', '*T', '*'], hosts: ['a.example.com', 'A.Example.com', '*.example.com', 'b*', '*'], paths: ['/a', '/a/*', '*/b', '/', '*'],
  headers: ['one', 'two', 'o*', '*o', '*'],
};

class Random {
  readonly #next: () => number;
  constructor(next: () => number) { this.#next = next; }
  chance(share: number): boolean { return this.#next() < share; }
  count(most: number): number { return Math.floor(this.#next() * (most + 1)); }
  pick<Item>(items: readonly Item[]): Item { return items[Math.floor(this.#next() * items.length)] as Item; }
  list<Item>(most: number, make: () => Item): Item[] { return Array.from({ length: this.count(most) }, make); }
  fields(names: readonly (keyof typeof words)[], share: number): Record<string, string[]> {
    const made: Record<string, string[]> = {};
    for (const name of names) {
      for (const field of [name, `not${name[0]?.toUpperCase() ?? ''}${name.slice(1)}`]) if (this.chance(share)) made[field] = [this.pick(words[name]), ...this.list(1, () => this.pick(words[name]))];
    }
    return made;
  }
}

function randomRule(random: Random): unknown {
  const when = random.list(1, () => {
    const [key, values] = random.pick([['source.namespace', words.namespaces], ['destination.port', words.ports], ['request.headers[x-a]', words.headers]] as const);
    return { key, [random.pick(['values', 'notValues'])]: [random.pick(values)] };
  });
  return {
    ...(random.chance(0.6) ? { from: [{ source: random.fields(['principals', 'namespaces', 'ipBlocks', 'requestPrincipals'], 0.2) }, ...random.list(1, () => ({ source: random.fields(['principals', 'namespaces'], 0.4) }))] } : {}),
    ...(random.chance(0.6) ? { to: [{ operation: random.fields(['ports', 'methods', 'hosts', 'paths'], 0.2) }, ...random.list(1, () => ({ operation: random.fields(['methods', 'paths'], 0.4) }))] } : {}),
    when,
  };
}

function randomPolicy(random: Random, at: number): AppliedPolicy {
  const spec = AuthorizationPolicy.parse({ action: random.pick(['ALLOW', 'ALLOW', 'DENY', 'AUDIT']), rules: random.list(3, () => randomRule(random)) });
  return { name: `p${at}`, namespace: 'foo', spec, dryRun: false, origin: () => ({ file: '', line: 1, kind: '', name: '' }) };
}

function randomRequest(random: Random): Asked {
  const http = { method: random.pick(['GET', 'POST', 'PUT']), path: random.pick(['/', '/a', '/a/b', '/a/b?x=/a', '/c']), host: random.pick(['a.example.com', 'A.EXAMPLE.com', 'b.com']), headers: random.pick([{}, { 'x-a': 'one' }, { 'x-a': 'two' }]), token: random.pick(['', 'iss/sub', 'iss/other']) };
  const principal = random.pick(['', 'spiffe://cluster.local/ns/foo/sa/a', 'spiffe://cluster.local/ns/bar/sa/b', 'spiffe://other/ns/foo/sa/a']);
  return { principal, ip: random.pick(['10.1.2.3', '10.2.0.1', '192.168.0.3', '192.168.0.4']), port: random.pick([80, 8080]), ...(random.chance(0.8) ? { http } : {}) };
}

function factsOf({ principal, ip, port, http }: Asked): AccessFacts {
  return {
    request: http === undefined ? undefined : { method: http.method, path: http.path, authority: http.host, scheme: 'http', header: (name) => http.headers[name] },
    principal, directIp: ip, remoteIp: ip, destinationIp: '10.9.9.9', destinationPort: port, serverName: '',
    metadata: () => (http === undefined || http.token === '' ? undefined : { 'request.auth.principal': http.token }),
  };
}

test('100,000 random policies and requests agree with the documentation', { timeout: 120_000 }, () => {
  const seed = Number(process.env['SEED'] ?? 20_240_901);
  console.log(`seed ${seed}`);
  const random = new Random(generator(seed));
  const context = { trust: trustDomains('cluster.local', []), stands: undefined };
  const outcomes = { allowed: 0, denied: 0 };
  for (let round = 0; round < 10_000; round++) {
    const policies = [randomPolicy(random, 0), ...random.list(2, () => randomPolicy(random, 1)).map((policy, at) => ({ ...policy, name: `p${at + 1}` }))];
    const prepared = (filters: readonly { typedConfig?: unknown }[]) => filters.map(({ typedConfig }) => prepareAccessFilter(typedConfig as RbacFilter, {}));
    const http = prepared(httpAccess(policies, context));
    const tcp = prepared(networkAccess(policies, context));
    for (let call = 0; call < 10; call++) {
      const asked = randomRequest(random);
      const allowed = (asked.http === undefined ? tcp : http).every((filter) => filter.judge(factsOf(asked)).allowed);
      outcomes[allowed ? 'allowed' : 'denied'] += 1;
      if (allowed !== isAllowed(policies.map(({ spec }) => spec), asked)) expect.fail(`seed ${seed}, round ${round}: ${allowed ? 'allowed' : 'denied'} ${JSON.stringify(asked)} by ${JSON.stringify(policies.map(({ spec }) => spec))}`);
    }
  }
  console.log(`${outcomes.allowed} allowed, ${outcomes.denied} denied`);
  expect(outcomes.allowed).toBeGreaterThan(10_000);
  expect(outcomes.denied).toBeGreaterThan(10_000);
});
