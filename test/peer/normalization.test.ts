import { describe, expect, test } from 'vitest';
import { httpFilter } from '../../src/compile/network-filters.ts';
import { defaultMeshConfig, meshConfigFrom } from '../../src/compile/index.ts';
import { reportingMesh } from '../../src/compile/telemetry.ts';
import { any, typeUrl, type HttpConnectionManager } from '../../src/xds/index.ts';
import { exchange, oneResponse, startEcho, startProxy, type RawUpstream, type TestProxy } from '../sidecar/http/proxy.ts';
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

async function run(example: Case): Promise<string> {
  const { upstream, proxy } = await start(example.mode, example.out.split('?')[0] ?? '');
  const { answer } = await exchange(proxy.port, [`GET ${example.in} HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n`], oneResponse);
  await proxy.close();
  await upstream.close();
  const status = answer.slice(9, 12);
  return status === '200' ? (upstream.received[0]?.split(' ')[1] ?? 'nothing arrived') : status;
}

describe.skipIf(!hasPeer('normalization/cases.json'))('paths are normalised as the mesh says', () => {
  test('policy and backend see the same path', { timeout: 60_000 }, async () => {
    const cases = JSON.parse(readPeer('normalization/cases.json')) as readonly Case[];
    const wrong: string[] = [];
    for (const example of cases) {
      const seen = await run(example);
      if (seen !== example.out) wrong.push(`${example.mode} ${example.in}: ${seen}, not ${example.out}`);
    }
    console.log(`normalization ${cases.length - wrong.length}/${cases.length}`);
    expect(wrong).toEqual([]);
  });
});
