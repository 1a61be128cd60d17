import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RequestRecord } from '../../src/contract/index.ts';
import { bookinfo, hasPeer, noEngine, rule, startLab, until, type TestLab } from './support/index.ts';

const why = noEngine ?? (hasPeer ? undefined : 'Istio’s sample files are not here');

interface Sent { readonly method: string; readonly url: string; readonly headers: Readonly<Record<string, string>> }

const paths = ['/reviews/0', '/reviews/7', '/health', '/ratings/0', '/details/0', '/old/thing', '/nowhere'];
const destination = (host: string): fc.Arbitrary<object> => fc.constantFrom(...(host === 'reviews' ? ['v1', 'v2', 'v3'] : ['v1']), 'v4-missing').map((subset) => ({ destination: { host, subset } }));
const match = fc.record({
  uri: fc.constantFrom({ prefix: '/reviews' }, { exact: '/health' }, { regex: '/(ratings|details)/[0-9]+' }, { prefix: '/' }),
  headers: fc.constantFrom({ 'end-user': { exact: 'jason' } }, { 'end-user': { prefix: 'j' } }, { 'x-lab': { regex: '[a-c]+' } }),
  method: fc.constantFrom({ exact: 'GET' }, { exact: 'POST' }),
}, { requiredKeys: [] });

/** One HTTP route: what it matches, what it does. */
const route = (host: string): fc.Arbitrary<object> => fc.tuple(fc.option(match, { nil: undefined }), fc.oneof(
  destination(host).map((one) => ({ route: [one] })),
  fc.tuple(destination(host), destination(host), fc.integer({ min: 0, max: 100 })).map(([a, b, weight]) => ({ route: [{ ...a, weight }, { ...b, weight: 100 - weight }] })),
  fc.constant({ redirect: { uri: '/moved', redirectCode: 302 } }),
  fc.constant({ directResponse: { status: 418, body: { string: 'no' } } }),
  destination(host).map((one) => ({ fault: { abort: { percentage: { value: 100 }, httpStatus: 503 } }, route: [one] })),
  destination(host).map((one) => ({ rewrite: { uri: '/health' }, route: [one] })),
)).map(([matched, action]) => ({ ...(matched === undefined ? {} : { match: [matched] }), ...action }));

const rules = fc.constantFrom('reviews', 'ratings', 'details').chain((host) => fc.array(route(host), { minLength: 1, maxLength: 4 }).map((http) => ({ host, text: JSON.stringify({ apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: host }, spec: { hosts: [host], http } }) })));
const call: fc.Arbitrary<Sent> = fc.record({
  method: fc.constantFrom('GET', 'POST'),
  url: fc.tuple(fc.constantFrom('reviews', 'ratings', 'details'), fc.constantFrom(...paths)).map(([host, path]) => `http://${host}:9080${path}`),
  headers: fc.dictionary(fc.constantFrom('end-user', 'x-lab'), fc.constantFrom('jason', 'john', 'abc', 'zzz'), { maxKeys: 2 }),
});

/** Runs inside the pod: sends the requests one after the other, each on a connection of its own, and prints status and id. */
const script = `const http=require('node:http');const all=JSON.parse(process.argv[1]);(async()=>{for(const one of all){await new Promise((done)=>{const r=http.request(one.url,{method:one.method,headers:one.headers,agent:false},(a)=>{a.resume();a.on('end',()=>{console.log(JSON.stringify({id:one.headers['x-request-id'],status:a.statusCode}));done();});});r.on('error',(e)=>{console.log(JSON.stringify({id:one.headers['x-request-id'],status:0,error:e.message}));done();});r.end();});}})();`;

describe.skipIf(why !== undefined)(`explain and the live lab${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let lab: TestLab;

  beforeAll(async () => {
    lab = await startLab('test-explain', [...bookinfo(), ...rule('destination-rule-all')]);
    await lab.synced();
  });
  afterAll(async () => { await lab?.down(); });

  const recordOf = async (sent: Sent): Promise<RequestRecord | undefined> => (await lab.records({ text: sent.headers['x-request-id'] ?? '' })).find((one) => one.reporter === 'source' && one.source.app === 'productpage' && one.requestId === sent.headers['x-request-id']);

  it('agree on 500 random requests under random valid rules', async () => {
    const disagreements: string[] = [];
    for (let round = 0; round < 20; round += 1) {
      const [picked] = fc.sample(fc.uniqueArray(rules, { selector: (one) => one.host, minLength: 1, maxLength: 3 }), { numRuns: 1, seed: 7000 + round });
      const files = ['reviews', 'ratings', 'details'].map((host) => ({ path: `rule-${host}.yaml`, text: picked?.find((one) => one.host === host)?.text ?? '# none\n' }));
      await lab.apply(files);
      const calls = fc.sample(call, { numRuns: 25, seed: round }).map((one, index) => ({ ...one, headers: { ...one.headers, 'x-request-id': `00000000-0000-9000-8000-${String(round * 100 + index).padStart(12, '0')}` } }));
      const { output } = await lab.exec('productpage-v1', 'node', '-e', script, JSON.stringify(calls));
      const answers = output.trim().split('\n').map((line) => JSON.parse(line) as { id: string; status: number });
      expect(answers).toHaveLength(calls.length);
      for (const [index, sent] of calls.entries()) {
        const explained = await lab.core.explain({ lab: lab.name, call: { from: 'productpage-v1', method: sent.method, url: sent.url, headers: Object.entries(sent.headers) } });
        const status = answers[index]?.status;
        const wrong = (what: string): void => { disagreements.push(`round ${round}: ${sent.method} ${sent.url} ${JSON.stringify(sent.headers)}: ${what}; rules ${files.map((file) => file.text).join(' ')}`); };
        // Without a status the request reaches the application, whose answer is its own affair: there the cluster is compared.
        if (explained.status !== undefined && explained.status !== status) wrong(`explained ${explained.status} (${explained.summary}), got ${status}`);
        await until('its record', async () => (await recordOf(sent)) !== undefined, 5_000);
        const record = await recordOf(sent);
        const expected = explained.clusters.find(({ cluster }) => cluster === record?.cluster);
        if (explained.clusters.length > 0 && (expected === undefined || expected.share === 0)) wrong(`explained ${JSON.stringify(explained.clusters)}, went to ${record?.cluster}`);
        if (expected?.status !== undefined && expected.status !== status) wrong(`explained ${expected.status} for ${expected.cluster}, got ${status}`);
        if (expected !== undefined && expected.flags.some((flag) => !record?.flags.some((one) => one === flag))) wrong(`explained flags ${expected.flags.join(',')}, got ${record?.flags.join(',')}`);
      }
    }
    expect(disagreements).toEqual([]);
  }, 300_000);
});
