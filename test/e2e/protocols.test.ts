import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SourceFile } from '../../src/manifest/index.ts';
import { makeCa, type FakeCa } from '../fakes/ca.ts';
import { callGrpc, specialMessage, type GrpcOutcome } from './support/call-grpc.ts';
import { callWebSocket, type Conversation } from './support/call-websocket.ts';
import { noPodNetwork, podNetwork, run, type PodNetwork } from './support/in-pod.ts';
import { noEngine, startLab, until, type TestLab } from './support/index.ts';

const name = 'test-protocols';
const missing = ['curl', 'h2load', 'openssl'].filter((program) => { try { execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'pipe' }); return false; } catch { return true; } });
const why = noEngine ?? noPodNetwork ?? (missing.length > 0 ? `no ${missing.join(', ')}` : undefined);
const support = join(import.meta.dirname, 'support');
const domain = 'protocols.example.com';

const resource = (apiVersion: string, kind: string, resourceName: string, body: Readonly<Record<string, unknown>>): SourceFile => ({ path: `${kind}-${resourceName}.yaml`, text: JSON.stringify({ apiVersion, kind, metadata: { name: resourceName, namespace: 'default' }, ...body }) });
const networking = (kind: string, resourceName: string, spec: unknown): SourceFile => resource('networking.istio.io/v1', kind, resourceName, { spec });

/** A service with one pod behind it, and a way to it from outside by `NAME.protocols.example.com`. */
function service(app: string, port: number, portName: string, container: Readonly<Record<string, unknown>>, spec: Readonly<Record<string, unknown>> = {}): readonly SourceFile[] {
  return [
    resource('v1', 'Service', app, { spec: { selector: { app }, ports: [{ port, name: portName }] } }),
    resource('apps/v1', 'Deployment', app, { spec: { selector: { matchLabels: { app } }, template: { metadata: { labels: { app } }, spec: { containers: [{ name: app, ports: [{ containerPort: port }], ...container }], ...spec } } } }),
    ...(portName === 'https' ? [] : [networking('VirtualService', app, { hosts: [`${app}.${domain}`], gateways: ['protocols'], http: [{ route: [{ destination: { host: app, port: { number: port } } }] }] })]),
  ];
}

const manifests = (certificate: { readonly certificate: string; readonly key: string }): readonly SourceFile[] => [
  networking('Gateway', 'protocols', { selector: { istio: 'ingressgateway' }, servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: [`*.${domain}`] }] }),
  ...service('grpcbin', 9000, 'grpc', { image: 'moul/grpcbin' }),
  ...service('sockets', 8080, 'http', { image: 'jmalloc/echo-server' }),
  ...service('unusual', 8080, 'http-unusual', { image: 'curlimages/curl', command: ['node', '-e', readFileSync(join(support, 'unusual-server.cjs'), 'utf8')] }),
  ...service('bin', 8080, 'http', { image: 'mccutchen/go-httpbin' }),
  resource('v1', 'Secret', 'own-tls', { stringData: { 'tls.crt': certificate.certificate, 'tls.key': certificate.key } }),
  ...service('secure', 8443, 'https', {
    image: 'curlimages/curl', volumeMounts: [{ name: 'tls', mountPath: '/tls', readOnly: true }],
    command: ['node', '-e', 'const f=(n)=>require("fs").readFileSync("/tls/tls."+n);require("https").createServer({cert:f("crt"),key:f("key"),ALPNProtocols:["http/1.1"]},(q,s)=>s.end("own tls for "+q.socket.servername)).listen(8443)'],
  }, { volumes: [{ name: 'tls', secret: { secretName: 'own-tls' } }] }),
  resource('v1', 'Pod', 'early', {
    metadata: { name: 'early', namespace: 'default', labels: { app: 'early' }, annotations: { 'proxy.istio.io/config': 'holdApplicationUntilProxyStarts: true\nterminationDrainDuration: 2s\n' } },
    spec: { containers: [{ name: 'early', image: 'curlimages/curl', command: ['sh', '-c', 'curl -sS -m 5 -o /dev/null -w "%{http_code}\\n" http://bin:8080/get 2>&1; sleep infinity'] }] },
  }),
  resource('v1', 'Pod', 'caller', { metadata: { name: 'caller', namespace: 'default', labels: { app: 'caller' } }, spec: { containers: [{ name: 'caller', image: 'curlimages/curl', command: ['sleep', 'infinity'] }] } }),
];

/** Where a caller stands: outside, behind the ingress gateway; or in a pod, behind its sidecar. */
interface Standpoint {
  readonly title: string;
  /** A program of this machine, there. */
  run: PodNetwork['run'];
  /** `ip:port` and authority of a service there. */
  find(app: string, port: number): Promise<{ readonly address: string; readonly authority: string }>;
  grpc(): Promise<Readonly<Record<string, GrpcOutcome>>>;
  webSocket(): Promise<Conversation>;
}

describe.skipIf(why !== undefined)(`real clients of every protocol${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let lab: TestLab;
  let ca: FakeCa;
  let inside: Standpoint;
  let outside: Standpoint;
  const at = (where: 'inside' | 'outside'): Standpoint => (where === 'inside' ? inside : outside);

  beforeAll(async () => {
    ca = await makeCa();
    lab = await startLab(name, manifests(await ca.issue({ uris: [], dns: [`secure.${domain}`] })));
    await lab.synced();
    const pod = await podNetwork(lab, 'caller');
    const ingress = new URL((await lab.status()).ingressUrl ?? '').host;
    const script = (file: string, ...args: readonly string[]): Promise<unknown> => pod.run(process.execPath, ['--import', 'tsx', join(support, file), ...args]).then(({ output, errors }) => JSON.parse(output === '' ? `"${errors}"` : output) as unknown);
    inside = {
      title: 'a pod', run: (program, args, input) => pod.run(program, args, input),
      find: async (app, port) => ({ address: `${await pod.address(app)}:${port}`, authority: `${app}:${port}` }),
      grpc: async () => { const { address, authority } = await inside.find('grpcbin', 9000); return await script('call-grpc.ts', address, authority) as Readonly<Record<string, GrpcOutcome>>; },
      webSocket: async () => { const { address, authority } = await inside.find('sockets', 8080); return await script('call-websocket.ts', `ws://${address}/chat`, authority) as Conversation; },
    };
    outside = {
      title: 'outside', run,
      find: (app) => Promise.resolve({ address: ingress, authority: `${app}.${domain}` }),
      grpc: () => callGrpc(ingress, `grpcbin.${domain}`),
      webSocket: () => callWebSocket(`ws://${ingress}/chat`, `sockets.${domain}`),
    };
  });
  afterAll(async () => { await lab?.down(); });

  /** curl, with the address of the service in place of its name's. */
  const curl = async (where: Standpoint, app: string, port: number, path: string, args: readonly string[], input?: string): Promise<{ readonly output: string; readonly errors: string; readonly exitCode: number }> => {
    const { address, authority } = await where.find(app, port);
    return await where.run('curl', ['-sS', '-m', '15', '--connect-to', `::${address}`, ...args, `http://${authority}${path}`], input);
  };

  it('an application that waits for its proxy calls out with its first breath', async () => {
    // The service may not be ready yet; the proxy is.
    await until('the first call', async () => /^(200|503)$/m.test(await lab.logs('early')));
  });

  describe.each(['mTLS', 'plaintext'] as const)('over %s between the proxies', (hop) => {
    beforeAll(async () => {
      if (hop === 'mTLS') return;
      await lab.core.switch({ lab: name, action: { kind: 'mtls', namespace: '', mode: 'DISABLE' } });
      await lab.synced();
    });

    it.each(['inside', 'outside'] as const)('gRPC from %s: every kind of call, status, metadata, deadline and cancellation', async (where) => {
      const calls = await at(where).grpc();
      const echoed = { initial: ['head'], trailing: ['0001abff'] };
      const ok = { code: 0, details: 'OK', ...echoed };
      expect(calls).toMatchObject({
        'empty unary': { ...ok, messages: ['0 '] },
        'large unary': { ...ok, messages: ['1048580 aa'] },
        'hello': { ...ok, messages: ['13 ww'] },
        'special status': { code: 2, details: specialMessage, ...echoed },
        'unimplemented method': { code: 12 },
        'unimplemented service': { code: 12 },
        'deadline': { code: 4 },
        'server stream': { ...ok, messages: Array.from({ length: 10 }, () => '65540 ss') },
        'client stream': { ...ok, messages: ['100004 cc'] },
        'ping pong': { ...ok, messages: ['31419 pp', '11 pp', '2656 pp', '58983 pp'] },
        'empty stream': { ...ok, messages: [] },
        'cancel after begin': { code: 1 },
        'cancel after first response': { code: 1, messages: ['102 pp'] },
        ...Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`status ${index + 1}`, { code: index + 1, details: `reason ${index + 1}`, ...echoed }])),
      });
      await until('the server knows of the cancelled calls', async () => {
        const log = await lab.logs('grpcbin');
        return log.includes('NoResponseUnary was cancelled') && log.includes('DummyBidirectionalStreamStream was cancelled');
      });
      for (const reporter of ['source', 'destination'] as const) {
        await until(`the ${reporter} has records of the statuses`, async () => {
          const records = (await lab.records({ text: 'SpecificError' })).filter((record) => record.reporter === reporter && record.mtls === (hop === 'mTLS') && record.protocol === 'grpc' && record.status === 200);
          return Array.from({ length: 16 }, (_, index) => index + 1).every((code) => records.some((record) => record.grpcStatus === code));
        });
      }
    });

    it.each(['inside', 'outside'] as const)('WebSocket from %s: text, bytes, ping, subprotocol and close', async (where) => {
      expect(await at(where).webSocket()).toMatchObject({ status: 101, protocol: 'first', greeting: expect.stringMatching(/^Request served by sockets-/) as string, text: true, binary: true, pong: 'are you there', closed: 4001 });
      await until('records of the upgrade', async () => (await lab.records({ text: '/chat' })).some((record) => record.reporter === 'destination' && record.status === 101 && record.mtls === (hop === 'mTLS') && record.bytesSent > 1024 * 1024));
    });

    it.each(['inside', 'outside'] as const)('curl from %s: versions, bodies, uploads, ranges of status', async (where) => {
      const from = at(where);
      // Without PILOT_HTTP10 a gateway asks for a newer version, and to a sidecar HTTP/1.0 is TCP, as in Istio.
      if (where === 'outside') expect((await curl(from, 'bin', 8080, '/bytes/100000?seed=7', ['--http1.0', '-w', '%{http_code}', '-o', '/dev/null'])).output, '--http1.0').toBe('426');
      for (const version of ['--http1.1', '--http2', '--http2-prior-knowledge']) {
        const { output, errors } = await curl(from, 'bin', 8080, '/bytes/100000?seed=7', [version, '-w', ' %{http_code} %{size_download}', '-o', '/dev/null']);
        expect(`${output.trim()}${errors}`, version).toBe('200 100000');
        expect((await curl(from, 'bin', 8080, '/status/418', [version, '-w', '%{http_code}', '-o', '/dev/null'])).output, version).toBe('418');
        expect((await curl(from, 'bin', 8080, '/headers', [version, '-I', '-w', '%{http_code}', '-o', '/dev/null'])).output, version).toBe('200');
        expect((await curl(from, 'unusual', 8080, '/empty', [version, '-w', '%{http_code} %{size_download}'])).output, version).toBe('204 0');
      }
      const body = randomBytes(1_500_000).toString('base64');
      const sha256 = createHash('sha256').update(body).digest('hex');
      for (const upload of [['--http1.1'], ['--http1.1', '-H', 'Transfer-Encoding: chunked'], ['--http2-prior-knowledge'], ['--http1.1', '-H', 'Expect:']]) {
        expect(JSON.parse((await curl(from, 'unusual', 8080, '/upload', [...upload, '-T', '-', '-X', 'POST'], body)).output), upload.join(' ')).toMatchObject({ length: body.length, sha256 });
      }
      expect((await curl(from, 'unusual', 8080, '/hints', ['--http1.1', '-i'])).output).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nlink: <\/style\.css>[^]*HTTP\/1\.1 200 OK[^]*hinted$/i);
      expect((await curl(from, 'unusual', 8080, '/upload', ['--http1.1', '-H', 'Expect: 100-continue', '-H', 'X-Refuse: yes', '-T', '-', '-X', 'POST', '-w', ' %{http_code}'], body)).output).toBe('too much 413');
      expect((await curl(from, 'unusual', 8080, '/trailers', ['--http1.1', '--raw', '-i', '-H', 'TE: trailers'])).output).toMatch(/content with trailers|x-checksum: c0ffee/);
    });

    it.each(['inside', 'outside'] as const)('h2load from %s: many streams on few connections, each answered', async (where) => {
      const { address, authority } = await at(where).find('bin', 8080);
      const { output } = await at(where).run('h2load', ['-n', '600', '-c', '3', '-m', '50', `--connect-to=${address}`, `http://${authority}/get`]);
      expect(output).toMatch(/requests: 600 total, 600 started, 600 done, 600 succeeded, 0 failed, 0 errored, 0 timeout/);
      expect(output).toMatch(/status codes: 600 2xx, 0 3xx, 0 4xx, 0 5xx/);
      expect(output).toMatch(/Application protocol: h2c/);
    });

    it('openssl s_client in a pod: the application’s own TLS passes as it is', async () => {
      const { address } = await inside.find('secure', 8443);
      const { output } = await inside.run('openssl', ['s_client', '-connect', address, '-servername', `secure.${domain}`, '-alpn', 'h2,http/1.1', '-ign_eof'], `GET / HTTP/1.1\r\nHost: secure.${domain}\r\nConnection: close\r\n\r\n`);
      expect(output).toContain('ALPN protocol: http/1.1');
      expect(output).toContain(`own tls for secure.${domain}`);
    });
  });
});
