import { describe } from 'vitest';
import { security, table, type Row } from './table.ts';

const policy = { apiVersion: security, kind: 'AuthorizationPolicy' };
const rule = (fields: object, rest: object = {}): object => ({ rules: [fields], ...rest });
const from = (source: object, rest: object = {}): object => rule({ from: [{ source }] }, rest);
const to = (operation: object, rest: object = {}): object => rule({ to: [{ operation }] }, rest);
const when = (key: string, ...values: readonly string[]): object => rule({ when: [{ key, values }] });
const custom = { action: 'CUSTOM', provider: { name: 'authorizer' } };

describe('actions and targets of an AuthorizationPolicy', () => {
  const gateway = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' };
  table(policy, [
    ['nothing, which allows nothing', {}, 'ok'],
    ['an empty rule, which allows all', { rules: [{}] }, 'ok'],
    ['DENY without rules', { action: 'DENY' }, 'bad'],
    ['DENY of everything', { action: 'DENY', rules: [{}] }, 'ok'],
    ['AUDIT', { action: 'AUDIT', rules: [{}] }, 'ok'],
    ['an action that nobody knows', { action: 'LOG', rules: [{}] }, 'bad'],
    ['CUSTOM without rules', custom, 'bad'],
    ['CUSTOM without a provider', { action: 'CUSTOM', rules: [{}] }, 'bad'],
    ['CUSTOM with a provider without a name', { action: 'CUSTOM', provider: {}, rules: [{}] }, 'bad'],
    ['ALLOW with a provider', { provider: { name: 'a' }, rules: [{}] }, 'bad'],
    ['CUSTOM by path', to({ paths: ['/admin/*'] }, custom), 'ok'],
    ['CUSTOM by address', from({ ipBlocks: ['10.0.0.0/8'] }, custom), 'ok'],
    ['CUSTOM by principal', from({ principals: ['a'] }, custom), 'bad'],
    ['CUSTOM by namespace', from({ notNamespaces: ['a'] }, custom), 'bad'],
    ['CUSTOM by token', from({ requestPrincipals: ['*'] }, custom), 'bad'],
    ['CUSTOM by claim', rule({ when: [{ key: 'request.auth.claims[a]', values: ['b'] }] }, custom), 'bad'],
    ['CUSTOM by header', rule({ when: [{ key: 'request.headers[a]', values: ['b'] }] }, custom), 'ok'],
    ['a selector', { selector: { matchLabels: { app: 'a' } }, rules: [{}] }, 'ok'],
    ['a selector without labels', { selector: {}, rules: [{}] }, 'warn'],
    ['a selector with a wildcard value', { selector: { matchLabels: { app: 'a*' } }, rules: [{}] }, 'bad'],
    ['a gateway', { targetRefs: [gateway], rules: [{}] }, 'ok'],
    ['a Service', { targetRefs: [{ kind: 'Service', name: 'a' }], rules: [{}] }, 'ok'],
    ['a ServiceEntry', { targetRefs: [{ group: 'networking.istio.io', kind: 'ServiceEntry', name: 'a' }], rules: [{}] }, 'ok'],
    ['a Deployment', { targetRefs: [{ group: 'apps', kind: 'Deployment', name: 'a' }], rules: [{}] }, 'bad'],
    ['a target in another namespace', { targetRefs: [{ ...gateway, namespace: 'other' }], rules: [{}] }, 'bad'],
    ['a target without a name', { targetRefs: [{ group: '', kind: 'Service', name: '' }], rules: [{}] }, 'bad'],
    ['a target and a selector', { targetRefs: [gateway], selector: { matchLabels: { app: 'a' } } }, 'bad'],
    ['a target twice over', { targetRef: gateway, targetRefs: [gateway] }, 'bad'],
  ]);
});

describe('sources, operations and conditions', () => {
  const sources = ['principals', 'notPrincipals', 'requestPrincipals', 'notRequestPrincipals', 'namespaces', 'notNamespaces', 'ipBlocks', 'notIpBlocks', 'remoteIpBlocks', 'notRemoteIpBlocks'];
  const operations = ['hosts', 'notHosts', 'ports', 'notPorts', 'methods', 'notMethods', 'paths', 'notPaths'];
  table(policy, [
    ...sources.map((field): Row => [`an empty entry of ${field}`, from({ [field]: [''] }), 'bad']),
    ...operations.map((field): Row => [`an empty entry of ${field}`, to({ [field]: [''] }), 'bad']),
    ['no source', rule({ from: [{}] }), 'bad'],
    ['an empty from', rule({ from: [] }), 'bad'],
    ['an empty to', rule({ to: [] }), 'bad'],
    ['a source of empty lists', from({ principals: [] }), 'bad'],
    ['an operation that is empty', to({}), 'bad'],
    ['wildcards at both ends', from({ principals: ['*/sa/a', 'cluster.local/*', '*'] }), 'ok'],
    ['accounts and principals', from({ serviceAccounts: ['a/b'], principals: ['c'] }), 'bad'],
    ['not-accounts and namespaces', from({ notServiceAccounts: ['a/b'], namespaces: ['c'] }), 'bad'],
    ['accounts and addresses', from({ serviceAccounts: ['a/b'], ipBlocks: ['10.0.0.1'] }), 'ok'],
    ['an account of its own namespace', from({ serviceAccounts: ['b'] }), 'ok'],
    ['an account in three parts', from({ serviceAccounts: ['a/b/c'] }), 'bad'],
    ['an account with a wildcard', from({ serviceAccounts: ['a/*'] }), 'bad'],
    ['an IPv6 subnet', from({ ipBlocks: ['2001:db8::/32'] }), 'ok'],
    ['a subnet with too many bits', from({ notIpBlocks: ['10.0.0.0/33'] }), 'bad'],
    ['a name as address', from({ remoteIpBlocks: ['a.b'] }), 'bad'],
    ['a port of 65536', to({ ports: ['65536'] }), 'bad'],
    ['a port in words', to({ notPorts: ['http'] }), 'bad'],
    ['a range of ports', to({ ports: ['80-90'] }), 'bad'],
    ['hosts with ports and wildcards', to({ hosts: ['*.example.com:8080', 'a.b', '*'] }), 'ok'],
    ['methods that nobody knows', to({ methods: ['BREW'] }), 'ok'],
    ['a template', to({ paths: ['/a/{*}/b'] }), 'ok'],
    ['a template of the rest', to({ paths: ['/a/{*}/{**}'] }), 'ok'],
    ['a template after the rest', to({ paths: ['/a/{**}/{*}'] }), 'bad'],
    ['a name after the rest', to({ paths: ['/a/{**}/b'] }), 'ok'],
    ['the rest twice', to({ notPaths: ['/{**}/{**}'] }), 'bad'],
    ['a template in a segment', to({ paths: ['/a/x{*}'] }), 'bad'],
    ['a named template', to({ paths: ['/a/{id}'] }), 'bad'],
    ['a lone brace', to({ notPaths: ['/a/}'] }), 'bad'],
    ['a template beside a star', to({ paths: ['/{*}/a*'] }), 'bad'],
    ['a template beside a space', to({ paths: ['/{*}/a b'] }), 'bad'],
    ['a template after two slashes', to({ paths: ['/a//{*}'] }), 'bad'],
    ['a header', when('request.headers[x-a]', 'b', '*c', 'd*'), 'ok'],
    ['a header without a name', when('request.headers', 'b'), 'bad'],
    ['a header with half a bracket', when('request.headers[a', 'b'), 'bad'],
    ['a nested claim', when('request.auth.claims[a][b]', 'c'), 'ok'],
    ['a claim without a name', when('request.auth.claims', 'c'), 'bad'],
    ['SNI', when('connection.sni', '*.example.com'), 'ok'],
    ['a port', when('destination.port', '8080'), 'ok'],
    ['a port that is none', when('destination.port', 'http'), 'bad'],
    ['a subnet', when('remote.ip', '10.0.0.0/8'), 'ok'],
    ['a subnet that is none', when('destination.ip', '10.0.0.0/99'), 'bad'],
    ['a filter’s metadata', when('experimental.envoy.filters.a.b[c]', 'd'), 'ok'],
    ['something that nobody knows', when('request.path', '/a'), 'bad'],
    ['no key', rule({ when: [{ values: ['a'] }] }), 'bad'],
    ['no values', rule({ when: [{ key: 'source.namespace', values: [] }] }), 'bad'],
    ['only not-values', rule({ when: [{ key: 'source.namespace', notValues: ['a'] }] }), 'ok'],
    ['DENY by path', to({ paths: ['/a'] }, { action: 'DENY' }), 'warn'],
    ['DENY by path and port', to({ paths: ['/a'], ports: ['80'] }, { action: 'DENY' }), 'ok'],
    ['DENY by token', from({ notRequestPrincipals: ['*'] }, { action: 'DENY' }), 'warn'],
    ['DENY by header', rule({ when: [{ key: 'request.headers[a]', values: ['b'] }] }, { action: 'DENY' }), 'warn'],
    ['DENY by port', to({ ports: ['80'] }, { action: 'DENY' }), 'ok'],
  ]);
});

describe('dry runs', () => {
  const dry = (word: string): { readonly annotations: object } => ({ annotations: { 'istio.io/dry-run': word } });
  table({ ...policy, metadata: dry('true') }, [['DENY', { action: 'DENY', rules: [{}] }, 'ok'], ['AUDIT', { action: 'AUDIT', rules: [{}] }, 'bad']]);
  table({ ...policy, metadata: dry('yes') }, [['a word that is none', { rules: [{}] }, 'bad']]);
  table({ ...policy, metadata: dry('0') }, [['zero', { rules: [{}] }, 'ok']]);
});

describe('a PeerAuthentication', () => {
  const selector = { matchLabels: { app: 'a' } };
  table({ apiVersion: security, kind: 'PeerAuthentication' }, [
    ['STRICT', { mtls: { mode: 'STRICT' } }, 'ok'],
    ['a mode that nobody knows', { mtls: { mode: 'LOOSE' } }, 'bad'],
    ['a port', { selector, portLevelMtls: { 8080: { mode: 'DISABLE' } } }, 'ok'],
    ['port 0', { selector, portLevelMtls: { 0: { mode: 'DISABLE' } } }, 'bad'],
    ['a port by name', { selector, portLevelMtls: { http: { mode: 'DISABLE' } } }, 'bad'],
    ['no ports', { selector, portLevelMtls: {} }, 'bad'],
    ['ports of everyone', { portLevelMtls: { 8080: { mode: 'DISABLE' } } }, 'bad'],
    ['ports of an empty selector', { selector: { matchLabels: {} }, portLevelMtls: { 8080: { mode: 'DISABLE' } } }, 'bad, warn'],
    ['a selector without labels', { selector: {} }, 'warn'],
    ['a selector without a key', { selector: { matchLabels: { '': 'a' } } }, 'bad'],
  ]);
});

describe('a RequestAuthentication', () => {
  const token = (fields: object): object => ({ jwtRules: [{ issuer: 'https://issuer.example.com', ...fields }] });
  const keys = (...list: readonly object[]): object => token({ jwks: JSON.stringify({ keys: list }) });
  const rsa = { kty: 'RSA', e: 'AQAB', n: 'xAE7eB6qugXyCAG3yhh7pkDkT65pHymX-P7KfIupjf59vsdo91bSP9C8H07pSAGQO1MV' };
  table({ apiVersion: security, kind: 'RequestAuthentication' }, [
    ['an issuer', token({}), 'ok'],
    ['no issuer', { jwtRules: [{ issuer: '' }] }, 'bad'],
    ['an audience that is empty', token({ audiences: [''] }), 'bad'],
    ['keys by https', token({ jwksUri: 'https://issuer.example.com:8443/keys' }), 'ok'],
    ['keys by ftp', token({ jwksUri: 'ftp://issuer.example.com/keys' }), 'bad'],
    ['keys without a scheme', token({ jwksUri: 'issuer.example.com/keys' }), 'bad'],
    ['keys of no host', token({ jwksUri: 'https:///keys' }), 'bad'],
    ['keys in two places', token({ jwksUri: 'https://a.b', jwks: '{"keys":[]}' }), 'bad'],
    ['an RSA key', keys(rsa), 'ok'],
    ['an elliptic key', keys({ kty: 'EC', crv: 'P-256', x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU', y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0' }), 'ok'],
    ['one key alone', token({ jwks: JSON.stringify(rsa) }), 'ok'],
    ['no keys', keys(), 'ok'],
    ['a key without a type', keys({ n: 'a', e: 'b' }), 'bad'],
    ['a key of an unknown type', keys({ kty: 'DSA' }), 'bad'],
    ['half a key', keys({ kty: 'RSA', e: 'AQAB' }), 'bad'],
    ['keys that are a list', token({ jwks: '[]' }), 'bad'],
    ['keys that are no JSON', token({ jwks: '{keys' }), 'bad'],
    ['a private key', keys({ ...rsa, d: 'AQAB' }), 'warn'],
    ['a shared key', keys({ kty: 'oct', k: 'c2VjcmV0' }), 'warn'],
    ['a header', token({ fromHeaders: [{ name: 'x-token', prefix: 'JWT ' }] }), 'ok'],
    ['a header without a name', token({ fromHeaders: [{ prefix: 'JWT ' }] }), 'bad'],
    ['a cookie without a name', token({ fromCookies: [''] }), 'bad'],
    ['a claim’s header with a space', token({ outputClaimToHeaders: [{ header: 'a b', claim: 'c' }] }), 'bad'],
    ['a claim’s header', token({ outputClaimToHeaders: [{ header: 'x-sub', claim: 'sub' }] }), 'ok'],
    ['an empty spaced claim', token({ spaceDelimitedClaims: [''] }), 'bad'],
    ['a timeout below a millisecond', token({ timeout: '10us' }), 'bad'],
    ['a selector with a wildcard key', { selector: { matchLabels: { 'a*': 'b' } } }, 'bad'],
  ]);
});
