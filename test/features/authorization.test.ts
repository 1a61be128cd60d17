import { describe, expect, test } from 'vitest';
import { AuthorizationPolicy } from '../../src/features/authorization/manifest.ts';
import { httpAccess, networkAccess, trustDomains, type AppliedPolicy } from '../../src/features/authorization/compile.ts';
import { accountMatch, withAliases } from '../../src/features/authorization/compile-principals.ts';
import type { RbacFilter } from '../../src/xds/index.ts';
import { prepareAccessFilter, type AccessFacts, type AccessVerdict } from '../../src/routing/index.ts';

const policy = (spec: unknown, name = 'p', dryRun = false): AppliedPolicy => ({
  name, namespace: 'foo', spec: AuthorizationPolicy.parse(spec), dryRun, origin: (rule) => ({ file: `${name}.yaml`, line: rule + 1, kind: 'AuthorizationPolicy', name, namespace: 'foo' }),
});
const context = { trust: trustDomains('cluster.local', []), stands: undefined };
const sleep = 'spiffe://cluster.local/ns/foo/sa/sleep';

interface Call { method?: string; path?: string; host?: string; principal?: string; ip?: string; remoteIp?: string; port?: number; sni?: string; headers?: Record<string, string>; claims?: Record<string, unknown>; tcp?: boolean }

function facts({ method = 'GET', path = '/', host = 'httpbin.foo:8000', principal = sleep, ip = '10.0.0.9', remoteIp = ip, port = 8080, sni = '', headers = {}, claims = {}, tcp = false }: Call): AccessFacts {
  return {
    request: tcp ? undefined : { method, path, authority: host, scheme: 'http', header: (name) => headers[name] },
    principal, directIp: ip, remoteIp, destinationIp: '10.0.0.1', destinationPort: port, serverName: sni, metadata: (filter) => (filter === 'istio_authn' ? claims : undefined),
  };
}

/** What all filters of the policies say, in their order: empty, or the details of the first that denies. */
function judge(policies: readonly AppliedPolicy[], call: Call, trust = context.trust): string {
  const made = call.tcp === true ? networkAccess(policies, { ...context, trust }) : httpAccess(policies, { ...context, trust });
  const verdicts = made.map(({ typedConfig }): AccessVerdict => prepareAccessFilter(typedConfig as RbacFilter, {}).judge(facts(call)));
  return verdicts.find(({ allowed }) => !allowed)?.details ?? '';
}
const allows = (spec: unknown, call: Call): boolean => judge([policy(spec)], call) === '';
const denied = (name: string): string => `rbac_access_denied_matched_policy[${name}]`;

describe('what a policy says', () => {
  test('no policy: everything; an empty ALLOW: nothing; an empty rule: everything', () => {
    expect(judge([], {})).toBe('');
    expect(judge([policy({})], {})).toBe(denied('none'));
    expect(judge([policy({ rules: [{}] })], {})).toBe('');
    expect(judge([policy({ action: 'DENY', rules: [{}] })], {})).toBe(denied('ns[foo]-policy[p]-rule[0]'));
  });

  test('DENY is judged before ALLOW, AUDIT decides nothing', () => {
    const both = [policy({ rules: [{}] }, 'a'), policy({ action: 'DENY', rules: [{ to: [{ operation: { methods: ['POST'] } }] }] }, 'd'), policy({ action: 'AUDIT', rules: [{}] }, 'x')];
    expect(judge(both, { method: 'POST' })).toBe(denied('ns[foo]-policy[d]-rule[0]'));
    expect(judge(both, {})).toBe('');
    expect(httpAccess(both, context).map(({ typedConfig }) => (typedConfig as RbacFilter).rules?.action)).toEqual(['LOG', 'DENY', 'ALLOW']);
  });

  test('a dry run decides nothing and says what it would', () => {
    const [filter] = httpAccess([policy({ action: 'DENY', rules: [{}] }, 'd', true)], context);
    const verdict = prepareAccessFilter(filter?.typedConfig as RbacFilter, {}).judge(facts({}));
    expect(verdict).toEqual({ allowed: true, details: '', shadow: { allowed: false, policy: 'ns[foo]-policy[d]-rule[0]' } });
    expect((filter?.typedConfig as RbacFilter).shadowRulesStatPrefix).toBe('istio_dry_run_deny_');
  });

  type Row = readonly [name: string, rule: unknown, yes: Call, no: Call];
  test.each<Row>([
    ['principals', { from: [{ source: { principals: ['cluster.local/ns/foo/sa/sleep'] } }] }, {}, { principal: 'spiffe://cluster.local/ns/bar/sa/sleep' }],
    ['principals on plaintext', { from: [{ source: { principals: ['*'] } }] }, {}, { principal: '' }],
    ['principals by suffix', { from: [{ source: { principals: ['*/sa/sleep'] } }] }, {}, { principal: 'spiffe://cluster.local/ns/foo/sa/sleepy' }],
    ['notPrincipals', { from: [{ source: { notPrincipals: ['cluster.local/ns/foo/*'] } }] }, { principal: 'spiffe://cluster.local/ns/bar/sa/x' }, {}],
    ['namespaces', { from: [{ source: { namespaces: ['foo'] } }] }, {}, { principal: 'spiffe://cluster.local/ns/foot/sa/x' }],
    ['namespaces on plaintext', { from: [{ source: { namespaces: ['*'] } }] }, {}, { principal: '' }],
    ['notNamespaces', { from: [{ source: { notNamespaces: ['f*'] } }] }, { principal: 'spiffe://cluster.local/ns/bar/sa/x' }, {}],
    ['serviceAccounts in the policy’s namespace', { from: [{ source: { serviceAccounts: ['sleep'] } }] }, {}, { principal: 'spiffe://cluster.local/ns/bar/sa/sleep' }],
    ['serviceAccounts elsewhere', { from: [{ source: { serviceAccounts: ['bar/sleep'] } }] }, { principal: 'spiffe://other/ns/bar/sa/sleep' }, {}],
    ['ipBlocks', { from: [{ source: { ipBlocks: ['10.0.0.0/24', '2001:db8::/32'] } }] }, { ip: '2001:db8::7' }, { ip: '10.0.1.1' }],
    ['notIpBlocks', { from: [{ source: { notIpBlocks: ['10.0.0.9'] } }] }, { ip: '10.0.0.8' }, {}],
    ['remoteIpBlocks', { from: [{ source: { remoteIpBlocks: ['203.0.113.0/24'] } }] }, { remoteIp: '203.0.113.7' }, {}],
    ['requestPrincipals', { from: [{ source: { requestPrincipals: ['iss/sub'] } }] }, { claims: { 'request.auth.principal': 'iss/sub' } }, { claims: { 'request.auth.principal': 'iss/other' } }],
    ['any token', { from: [{ source: { requestPrincipals: ['*'] } }] }, { claims: { 'request.auth.principal': 'iss/sub' } }, {}],
    ['no token', { from: [{ source: { notRequestPrincipals: ['*'] } }] }, {}, { claims: { 'request.auth.principal': 'iss/sub' } }],
    ['hosts, whatever their case', { to: [{ operation: { hosts: ['API.example.com'] } }] }, { host: 'api.EXAMPLE.com' }, { host: 'api.example.com:80' }],
    ['hosts by suffix', { to: [{ operation: { hosts: ['*.example.com'] } }] }, { host: 'a.example.com' }, { host: 'example.com' }],
    ['notHosts', { to: [{ operation: { notHosts: ['admin.example.com'] } }] }, { host: 'a.example.com' }, { host: 'ADMIN.example.com.:8000' }],
    ['ports', { to: [{ operation: { ports: ['8080'] } }] }, {}, { port: 9090 }],
    ['notPorts', { to: [{ operation: { notPorts: ['8080'] } }] }, { port: 9090 }, {}],
    ['methods', { to: [{ operation: { methods: ['GET', 'HEAD'] } }] }, { method: 'HEAD' }, { method: 'POST' }],
    ['notMethods', { to: [{ operation: { notMethods: ['DELETE'] } }] }, {}, { method: 'DELETE' }],
    ['paths without the query', { to: [{ operation: { paths: ['/info'] } }] }, { path: '/info?x=1' }, { path: '/info/x' }],
    ['paths by prefix', { to: [{ operation: { paths: ['/info*'] } }] }, { path: '/information' }, { path: '/x/info' }],
    ['paths by suffix', { to: [{ operation: { paths: ['*.html'] } }] }, { path: '/a/b.html' }, { path: '/a.html/b' }],
    ['path templates', { to: [{ operation: { paths: ['/a/{*}/b/{**}'] } }] }, { path: '/a/x=1/b/c/d' }, { path: '/a/x/y/b/c' }],
    ['a header', { when: [{ key: 'request.headers[X-Token]', values: ['admin', 'user-*'] }] }, { headers: { 'x-token': 'user-1' } }, { headers: { 'x-token': 'root' } }],
    ['a header that is there', { when: [{ key: 'request.headers[x-token]', values: ['*'] }] }, { headers: { 'x-token': '' } }, {}],
    ['source.ip', { when: [{ key: 'source.ip', values: ['10.0.0.0/8'] }] }, {}, { ip: '192.0.2.1' }],
    ['remote.ip', { when: [{ key: 'remote.ip', notValues: ['10.0.0.0/8'] }] }, { remoteIp: '192.0.2.1' }, {}],
    ['source.namespace', { when: [{ key: 'source.namespace', values: ['foo'] }] }, {}, { principal: '' }],
    ['source.principal', { when: [{ key: 'source.principal', values: ['cluster.local/ns/foo/sa/sleep'] }] }, {}, { principal: '' }],
    ['source.serviceAccount', { when: [{ key: 'source.serviceAccount', values: ['foo/sleep'] }] }, {}, { principal: '' }],
    ['request.auth.audiences', { when: [{ key: 'request.auth.audiences', values: ['b'] }] }, { claims: { 'request.auth.audiences': ['a', 'b'] } }, { claims: { 'request.auth.audiences': 'a' } }],
    ['request.auth.presenter', { when: [{ key: 'request.auth.presenter', values: ['app'] }] }, { claims: { 'request.auth.presenter': 'app' } }, {}],
    ['a claim', { when: [{ key: 'request.auth.claims[groups]', values: ['g1'] }] }, { claims: { 'request.auth.claims': { groups: ['g0', 'g1'] } } }, { claims: { 'request.auth.claims': { groups: ['g0'] } } }],
    ['a nested claim', { when: [{ key: 'request.auth.claims[realm][roles]', values: ['r*'] }] }, { claims: { 'request.auth.claims': { realm: { roles: 'root' } } } }, { claims: { 'request.auth.claims': { realm: 'roles' } } }],
    ['destination.port', { when: [{ key: 'destination.port', values: ['8080', '81'] }] }, {}, { port: 80 }],
    ['connection.sni', { when: [{ key: 'connection.sni', values: ['*.example.com'] }] }, { sni: 'a.example.com' }, {}],
    ['all of when', { when: [{ key: 'destination.port', values: ['8080'] }, { key: 'source.namespace', notValues: ['bar'] }] }, {}, { principal: 'spiffe://cluster.local/ns/bar/sa/x' }],
  ])('%s', (_name, rule, yes, no) => {
    const allow = { rules: [rule] };
    const deny = { action: 'DENY', rules: [rule] };
    expect([allows(allow, yes), allows(allow, no)]).toEqual([true, false]);
    expect(allows(deny, yes)).toBe(false);
  });

  test('destination.ip', () => {
    expect(allows({ rules: [{ when: [{ key: 'destination.ip', values: ['10.0.0.0/30'] }] }] }, {})).toBe(true);
    expect(allows({ rules: [{ when: [{ key: 'destination.ip', values: ['10.0.0.2'] }] }] }, {})).toBe(false);
  });
});

describe('readings that a rule must not miss', () => {
  const deny = (rule: unknown, call: Call): boolean => !allows({ action: 'DENY', rules: [rule] }, call);
  const allow = (rule: unknown, call: Call): boolean => allows({ rules: [rule] }, call);
  test('a header that came twice: each value counts against the caller, none for him', () => {
    const admin = { when: [{ key: 'request.headers[x-role]', values: ['admin'] }] };
    const twice = { headers: { 'x-role': 'user,admin' } };
    expect([deny(admin, twice), allow(admin, twice)]).toEqual([true, false]);
    expect(allow({ when: [{ key: 'request.headers[x-role]', notValues: ['admin'] }] }, twice)).toBe(false);
  });
  test('a host with a port or a final dot', () => {
    for (const host of ['admin.svc', 'ADMIN.svc.', 'admin.svc:8000', 'admin.svc.:8000']) expect(deny({ to: [{ operation: { hosts: ['admin.svc'] } }] }, { host })).toBe(true);
  });
});

describe('on TCP', () => {
  const http = { to: [{ operation: { methods: ['GET'], ports: ['9000'] } }] };
  test('an ALLOW rule about HTTP never matches', () => { expect(judge([policy({ rules: [http] })], { tcp: true, port: 9000 })).toBe(denied('none')); });
  test('a DENY rule keeps what TCP has, and so catches more', () => {
    expect(judge([policy({ action: 'DENY', rules: [http] })], { tcp: true, port: 9000 })).toBe(denied('ns[foo]-policy[p]-rule[0]'));
    expect(judge([policy({ action: 'DENY', rules: [http] })], { tcp: true, port: 9001 })).toBe('');
    expect(judge([policy({ action: 'DENY', rules: [{ from: [{ source: { notRequestPrincipals: ['*'] } }] }] })], { tcp: true })).not.toBe('');
  });
  test('identities and ports are judged', () => {
    const rule = { rules: [{ from: [{ source: { namespaces: ['foo'] } }], to: [{ operation: { ports: ['9000'] } }] }] };
    expect(judge([policy(rule)], { tcp: true, port: 9000 })).toBe('');
    expect(judge([policy(rule)], { tcp: true, port: 9000, principal: '' })).toBe(denied('none'));
  });
});

test('a port that stands for another one is judged as that one', () => {
  const [filter] = httpAccess([policy({ rules: [{ to: [{ operation: { ports: ['8080'] } }] }] })], { ...context, stands: { port: 80, target: 8080 } });
  const judged = (port: number): boolean => prepareAccessFilter(filter?.typedConfig as RbacFilter, {}).judge(facts({ port })).allowed;
  expect([judged(80), judged(8080)]).toEqual([true, false]);
});

test('a policy goes on to mean the same workloads after the trust domain has moved', () => {
  const trust = trustDomains('new-td', ['old-td']);
  const rule = { rules: [{ from: [{ source: { principals: ['old-td/ns/foo/sa/sleep'] } }] }] };
  expect(judge([policy(rule)], { principal: 'spiffe://new-td/ns/foo/sa/sleep' }, trust)).toBe('');
  expect(judge([policy(rule)], { principal: 'spiffe://old-td/ns/foo/sa/sleep' }, trust)).toBe('');
  expect(judge([policy(rule)], { principal: 'spiffe://other/ns/foo/sa/sleep' }, trust)).toBe(denied('none'));
  expect(withAliases('cluster.local/ns/a/sa/b', trust)).toEqual(['new-td/ns/a/sa/b', 'old-td/ns/a/sa/b']);
  expect(withAliases('elsewhere/ns/a/sa/b', trust)).toEqual(['elsewhere/ns/a/sa/b']);
  expect(accountMatch('a.b', 'foo')).toEqual({ safeRegex: { regex: 'spiffe://[^/]+/ns/foo/sa/a\\.b' } });
});

test('a denial names the nearest rule and what it missed', () => {
  const get = policy({ rules: [{ to: [{ operation: { methods: ['GET'], paths: ['/a'] } }] }, { from: [{ source: { namespaces: ['bar'] } }], to: [{ operation: { methods: ['PUT'] } }] }] }, 'viewer');
  const [made] = httpAccess([get], context);
  const filter = prepareAccessFilter(made?.typedConfig as RbacFilter, { 'ns[foo]-policy[viewer]-rule[0]': get.origin(0) });
  const seen = facts({ method: 'POST', path: '/a' });
  expect(filter.steps(seen, filter.judge(seen))).toEqual([{
    stage: 'filter', what: 'envoy.filters.http.rbac: denied', why: 'no ALLOW policy matches: foo/viewer rule 1 would have matched but for method is "POST", not: is "GET"',
    origin: get.origin(0),
    rejected: [
      { what: 'foo/viewer rule 1', why: 'method is "POST", not: is "GET"', origin: get.origin(0) },
      { what: 'foo/viewer rule 2', why: 'principal is "spiffe://cluster.local/ns/foo/sa/sleep", not: matches /.*/ns/bar/.*/; method is "POST", not: is "PUT"' },
    ],
  }]);
});
