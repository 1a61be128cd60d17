import { describe, expect, test } from 'vitest';
import { httpFilter } from '../../src/compile/network-filters.ts';
import { defaultMeshConfig, meshConfigFrom } from '../../src/compile/index.ts';
import { reportingMesh } from '../../src/compile/telemetry.ts';
import { any, typeUrl, type HttpConnectionManager } from '../../src/xds/index.ts';
import { exchange, oneResponse, startEcho, startProxy, type RawUpstream, type TestProxy } from '../sidecar/http/proxy.ts';
import { HpackDecoder } from '../../src/sidecar/http2/hpack-decoder.ts';
import { frame, headers, preface, say, types } from '../sidecar/http2/raw.ts';
import { hasPeer, readPeer } from './cases.ts';

interface Case {
  readonly mode: string;
  readonly in: string;
  /** What policy and backend see, or `400`. */
  readonly out: string;
}

interface Running {
  readonly upstream: RawUpstream;
  readonly proxy: TestProxy;
}

/** A sidecar's inbound HTTP with the mesh's setting, and a policy that lets one path in. */
async function start(mode: string, path: string): Promise<Running> {
  const upstream = await startEcho(() => 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  const permissions = [{ urlPath: { path: { exact: path } } }];
  const access = [{ name: 'envoy.filters.http.rbac', typedConfig: any(typeUrl.rbac, { rules: { action: 'ALLOW', policies: { only: { permissions, principals: [{ any: true }] } } } }) }];
  const { typedConfig } = httpFilter({ statPrefix: 't', routes: 'test', place: 'inbound', mesh: reportingMesh(meshConfigFrom({ pathNormalization: { normalization: mode } }, defaultMeshConfig), new Set()), access });
  const proxy = await startProxy({ clusters: { up: [upstream.port] }, manager: typedConfig as HttpConnectionManager, context: { direction: 'inbound' } });
  return { upstream, proxy };
}

/** The status of a request with this path, and the path that reached the backend. */
type Ask = (port: number, path: string) => Promise<string>;

const http1: Ask = async (port, path) => (await exchange(port, [`GET ${path} HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n`], oneResponse)).answer.slice(9, 12);

/** Frames of this test's own: a client library would mend the path before it is sent. A stream that is reset is a request that was refused as malformed. */
const http2: Ask = async (port, path) => {
  const fields = [[':method', 'GET'], [':scheme', 'http'], [':path', path], [':authority', 'app']] as const;
  const { frames } = await say(port, [Buffer.concat([preface, frame(types.settings, 0, 0), headers(1, fields)])], (seen) => seen.some(({ type, id }) => id === 1 && (type === types.headers || type === types.reset)));
  const answer = frames.find(({ type, id }) => type === types.headers && id === 1);
  if (answer === undefined) return frames.some(({ type, id }) => type === types.reset && id === 1) ? '400' : 'nothing';
  const { names, values } = new HpackDecoder().decode(answer.payload, 0, answer.payload.length);
  return values[names.indexOf(':status')] ?? 'no status';
};

async function run(example: Case, ask: Ask): Promise<string> {
  const { upstream, proxy } = await start(example.mode, example.out.split('?')[0] ?? '');
  const status = await ask(proxy.port, example.in);
  await proxy.close();
  await upstream.close();
  return status === '200' ? (upstream.received[0]?.split(' ')[1] ?? 'nothing arrived') : status;
}

describe.skipIf(!hasPeer('normalization/cases.json'))('paths are normalised as the mesh says', () => {
  test.each([['HTTP/1.1', http1], ['HTTP/2', http2]] as const)('policy and backend see the same path on %s', { timeout: 60_000 }, async (protocol, ask) => {
    const cases = JSON.parse(readPeer('normalization/cases.json')) as readonly Case[];
    const wrong: string[] = [];
    for (const example of cases) {
      const seen = await run(example, ask);
      if (seen !== example.out) wrong.push(`${example.mode} ${example.in}: ${seen}, not ${example.out}`);
    }
    console.log(`normalization ${protocol} ${cases.length - wrong.length}/${cases.length}`);
    expect(wrong).toEqual([]);
  });
});
