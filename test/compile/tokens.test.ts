import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { explain, verifyTokens } from '../../src/compile/index.ts';
import type { Explanation } from '../../src/contract/index.ts';
import { bookinfo, snapshot } from './lab.ts';

type Key = Awaited<ReturnType<typeof generateKeyPair>>;
const issuer = 'https://issuer.example.com';
const now = 1_800_000_000_000;
let own: Key;
let stranger: Key;
let jwks: string;

beforeAll(async () => {
  [own, stranger] = await Promise.all([generateKeyPair('RS256', { extractable: true }), generateKeyPair('RS256', { extractable: true })]);
  jwks = JSON.stringify({ keys: [{ ...(await exportJWK(own.publicKey)), kid: 'one' }] });
});

const resource = (kind: string, spec: object, group = 'security', metadata: object = {}): string => JSON.stringify({ apiVersion: `${group}.istio.io/v1`, kind, metadata: { name: 'it', namespace: 'default', ...metadata }, spec });
const selector = { matchLabels: { app: 'ratings' } };
const tokens = (rule: object): string => resource('RequestAuthentication', { selector, jwtRules: [{ issuer, ...rule }] });
const required = resource('AuthorizationPolicy', { selector, rules: [{ from: [{ source: { requestPrincipals: ['*'] } }], when: [{ key: 'request.auth.claims[groups]', values: ['staff'] }] }] });

function sign(claims: JWTPayload, key: Key = own): Promise<string> {
  return new SignJWT({ iss: issuer, sub: 'ann', exp: now / 1000 + 300, ...claims }).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(key.privateKey);
}

async function explained(documents: readonly string[], token?: string, more: { readonly url?: string; readonly from?: string } = {}): Promise<Explanation> {
  const mesh = snapshot([bookinfo, ...documents]);
  const call = { from: 'productpage', method: 'GET', url: 'http://ratings:9080/ratings/1', headers: token === undefined ? [] : [['Authorization', `Bearer ${token}`] as const], ...more };
  return explain(mesh, call, await verifyTokens(mesh, call, now));
}
const filters = ({ steps }: Explanation): readonly (string | undefined)[] => steps.filter(({ stage, what }) => stage === 'filter' && what.includes('jwt_authn')).map(({ what }) => what.split(': ')[1]);

describe('a token in a call', () => {
  test('that is good lets in whom the policy names', async () => {
    const good = await explained([tokens({ jwks }), required], await sign({ groups: ['staff'] }));
    expect(good.status).toBeUndefined();
    expect(filters(good)).toEqual(['verified']);
    expect(good.steps.find(({ what }) => what.endsWith('verified'))?.origin).toMatchObject({ kind: 'RequestAuthentication', name: 'it' });
  });

  test('of somebody else is denied by the policy, and none at all too', async () => {
    expect(await explained([tokens({ jwks }), required], await sign({ groups: ['guests'] }))).toMatchObject({ status: 403 });
    const none = await explained([tokens({ jwks }), required]);
    expect(none.status).toBe(403);
    expect(filters(none)).toEqual(['no token']);
  });

  test.each<[string, () => Promise<string>, number, string]>([
    ['signed by another key', () => sign({ aud: 'shop' }, stranger), 401, 'none of the issuer’s keys made its signature'],
    ['expired', () => sign({ exp: now / 1000 - 3600 }), 401, 'it expired at'],
    ['of another issuer', () => sign({ iss: 'https://other.example.com' }), 401, 'its issuer is "https://other.example.com"'],
    ['for another audience', () => sign({ aud: 'others' }), 403, 'it is meant for "others"'],
    ['that is none', () => Promise.resolve('abc'), 401, 'it does not have three parts'],
  ])('%s is refused', async (_name, token, status, why) => {
    const bad = await explained([tokens({ jwks, audiences: ['shop'] })], await token());
    expect(bad.status).toBe(status);
    expect(bad.steps.find(({ what }) => what.endsWith('refused'))?.why).toContain(why);
  });

  test('whose keys are fetched is taken as good, and that is said', async () => {
    const rule = tokens({ jwksUri: 'https://issuer.example.com/keys' });
    const open = await explained([rule, required], await sign({ groups: ['staff'] }));
    expect(open.status).toBeUndefined();
    expect(open.steps.find(({ what }) => what.endsWith('taken as good'))?.why).toContain('fetched from https://issuer.example.com/keys and not known here');
    expect(open.summary).toContain('if the key of https://issuer.example.com allows it');
    expect(await explained([rule, required], await sign({ exp: 1 }))).toMatchObject({ status: 401 });
    expect(await explained([rule, required], await sign({ groups: ['guests'] }))).toMatchObject({ status: 403 });
  });

  test('is found in a parameter', async () => {
    expect((await explained([tokens({ jwks, fromParams: ['t'] }), required], undefined, { url: `http://ratings:9080/?t=${await sign({ groups: ['staff'] })}` })).status).toBeUndefined();
  });

  test('without a rule is nobody’s business', async () => {
    expect(filters(await explained([], await sign({})))).toEqual([]);
  });
});

describe('a token at a gateway', () => {
  const edge = (rule: object): string => resource('RequestAuthentication', { selector: { matchLabels: { istio: 'ingressgateway' } }, jwtRules: [{ issuer, jwks, ...rule }] }, 'security', { namespace: 'istio-system' });
  const gateway = [
    resource('Gateway', { selector: { istio: 'ingressgateway' }, servers: [{ port: { number: 8080, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }] }, 'networking'),
    resource('VirtualService', { hosts: ['*'], gateways: ['it'], http: [{ match: [{ headers: { '@request.auth.claims.groups': { exact: 'staff' } } }], route: [{ destination: { host: 'ratings' } }] }, { route: [{ destination: { host: 'details' } }] }] }, 'networking'),
  ];
  const clusters = ({ clusters: found }: Explanation): readonly string[] => found.map(({ cluster }) => cluster.split('|')[3]?.split('.')[0] ?? '');

  test('routes by its claims', async () => {
    const ask = async (groups: string): Promise<readonly string[]> => clusters(await explained([edge({}), ...gateway], await sign({ groups }), { from: 'ingress', url: 'http://shop/' }));
    expect(await ask('staff')).toEqual(['ratings']);
    expect(await ask('guests')).toEqual(['details']);
  });

  test('goes on only where it is forwarded', async () => {
    const ask = async (rule: object): Promise<Explanation> => explained([edge(rule), tokens({ jwks }), required, ...gateway], await sign({ groups: 'staff' }), { from: 'ingress', url: 'http://shop/' });
    expect(await ask({})).toMatchObject({ status: 403 });
    expect((await ask({ forwardOriginalToken: true })).status).toBeUndefined();
  });
});
