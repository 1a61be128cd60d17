import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ofKind, parseManifests, type Resource, type SourceFile } from '../../src/manifest/index.ts';
import { standInFor } from '../../src/workloads/catalog.ts';
import { makeCa, type Leaf } from '../fakes/ca.ts';
import { hasPeer } from '../peer/cases.ts';
import { made, manifestText, readTests, type Material, type PeerRow, type PeerTest } from '../peer/gateway-api-cases.ts';
import type { Arrival, Exchanged } from '../peer/gateway-api-exchange.ts';
import { difference } from '../peer/gateway-api-judge.ts';
import { gatewayArrivals, hostnamesOf, options, parentsOf, pathsOf } from '../peer/gateway-api-rows.ts';
import { noEngine, startLab, until, type TestLab } from './support/index.ts';

/** Tests whose rows cannot be sent here, and why. */
const notHere: Readonly<Record<string, string>> = {
  MeshGRPCRouteWeight: 'the echo stand-in serves no gRPC', HTTPRouteRetry: 'the suite makes its rows while it runs', HTTPRouteServiceTypes: 'the suite writes the addresses of its slices while it runs',
  HTTPRouteHTTPSListenerDetectMisdirectedRequests: 'the suite makes its rows while it runs',
};
/** What is reached today; a change must not fall below. */
const floor = 0.97;
const patience = 8000;
const names = ['example.org', 'second-example.org', 'fourth-example.wildcard.org', '*.wildcard.org', 'example.com', '*.example.com', '*.example.org'];

describe.skipIf(noEngine !== undefined || !hasPeer('gateway-api'))(`Gateway API conformance on a live lab${noEngine === undefined ? '' : `: ${noEngine}`}`, () => {
  let lab: TestLab;
  let base: readonly Resource[];
  let material: Material;
  let client: Leaf;
  const tests = readTests().filter(({ cases, shortName }) => cases.length > 0 && notHere[shortName] === undefined);

  beforeAll(async () => {
    const ca = await makeCa('gateway conformance');
    const server = await ca.issue({ dns: names });
    client = await ca.issue({ dns: ['client'] });
    material = { chain: server.certificate, key: server.key, authority: ca.root };
    const { resources } = parseManifests(['base/manifests.yaml', 'mesh/manifests.yaml'].map((path) => ({ path, text: withInjection(manifestText(path)) })));
    base = resources.filter(runs).map(single);
    lab = await startLab('gateway-conformance', [fileOf('base.yaml', [...base.map(({ body }) => body), ...made(base, material)])]);
  }, 300_000);
  afterAll(async () => { await lab?.down(); });

  it('sends every request where the suite wants it', { timeout: 360_000 }, async () => {
    const failures: string[] = [];
    let rows = 0;
    for (const test of tests) {
      rows += test.cases.length;
      failures.push(...await run(lab, test, base, material, client));
    }
    const whole = tests.filter(({ shortName }) => !failures.some((failure) => failure.startsWith(`${shortName}:`))).length;
    console.log(`gateway-api ${rows - failures.length}/${rows} rows, ${whole}/${tests.length} tests (live; not sent: ${Object.entries(notHere).map(([name, why]) => `${name}, as ${why}`).join('; ')})`);
    for (const failure of failures) console.log(`  ✗ ${failure}`);
    expect((rows - failures.length) / rows).toBeGreaterThanOrEqual(floor);
  });
});

/** Sidecars for the namespaces of the mesh, as whoever runs the suite on Istio labels them. */
function withInjection(text: string): string {
  return text.replace(/(name: gateway-conformance-mesh\S*\n  labels:\n)/g, '$1    istio-injection: enabled\n');
}

/** Workloads of images that have no stand-in are left out. */
function runs({ kind, body }: Resource): boolean {
  const images = [...JSON.stringify(body).matchAll(/"image":"([^"]+)"/g)].map(([, image]) => image ?? '');
  return kind !== 'Deployment' || images.every((image) => standInFor(image) !== undefined);
}

function single(resource: Resource): Resource {
  return resource.kind === 'Deployment' ? { ...resource, body: { ...resource.body, spec: { ...(resource.body['spec'] as object), replicas: 1 } } } : resource;
}

function fileOf(path: string, items: readonly unknown[]): SourceFile {
  return { path, text: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) };
}

async function run(lab: TestLab, test: PeerTest, base: readonly Resource[], material: Material, client: Leaf): Promise<readonly string[]> {
  const { resources } = parseManifests(test.manifests.map((path) => ({ path, text: manifestText(path) })));
  const known = new Set([...base, ...parseManifests([fileOf('made.yaml', made(base, material))]).resources].map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`));
  const extra = made(resources.filter(runs), material).filter((item) => {
    const { kind, metadata } = item as { readonly kind: string; readonly metadata: { readonly namespace: string; readonly name: string } };
    return !known.has(`${kind} ${metadata.namespace}/${metadata.name}`);
  });
  const file = fileOf(`${test.shortName}.yaml`, [...resources.filter(runs).map(({ body }) => body), ...extra]);
  await lab.apply([file]);
  const all = [...base, ...resources];
  const failures: string[] = [];
  for (const row of test.cases) {
    const why = await judged(() => (test.mesh ? throughMesh(lab, row, all) : throughGateway(lab, row, all, client)));
    if (why !== undefined) failures.push(`${test.shortName}:${row.line} ${why}`);
  }
  await lab.delete([file]);
  return failures;
}

/** Tries until a place answers as the row wants, as the suite does: config takes a moment. */
async function judged(attempt: () => Promise<string | undefined>): Promise<string | undefined> {
  let why: string | undefined = 'not tried';
  await until('an answer', async () => { why = await attempt().catch((error: unknown) => `failed: ${String(error)}`); return why === undefined; }, patience).catch(() => undefined);
  return why;
}

async function throughGateway(lab: TestLab, row: PeerRow, resources: readonly Resource[], client: Leaf): Promise<string | undefined> {
  const { ingress } = await lab.status();
  const parents = parentsOf(resources);
  const whys: string[] = [];
  for (const { metadata, spec } of ofKind(resources, 'KubernetesGateway')) {
    if (!parents.some(({ reference, namespace }) => reference.kind === 'Gateway' && reference.name === metadata.name && (reference.namespace || namespace) === metadata.namespace)) continue;
    for (const { port, protocol, hostname } of spec.listeners) {
      const open = ingress.find((one) => one.gateway === `${metadata.namespace}/${metadata.name}-istio` && one.port === port);
      if (open === undefined) continue;
      for (const arrival of gatewayArrivals(row, '127.0.0.1', port, protocol === 'HTTPS', [hostname, ...hostnamesOf(resources)].filter((host) => host !== ''), pathsOf(resources))) {
        const why = difference(row, arrival, await send(arrival, open.hostPort, client));
        if (why === undefined) return undefined;
        whys.push(`${metadata.name}: ${why}`);
      }
    }
  }
  return whys.slice(0, 3).join('; ') || 'no gateway is open';
}

interface Echo { readonly path?: string; readonly host?: string; readonly namespace?: string; readonly pod?: string; readonly headers?: Readonly<Record<string, readonly string[]>> }

function send(arrival: Arrival, port: number, client: Leaf): Promise<Exchanged> {
  const headers = { ...arrival.headers, host: arrival.authority };
  const shared = { host: '127.0.0.1', port, method: arrival.method, path: arrival.path, headers, agent: false as const, timeout: 5000 };
  return new Promise((resolve) => {
    const refused = (): void => { resolve({ status: 0, responseHeaders: new Map() }); };
    const answered = (response: IncomingMessage): void => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => { text += chunk; }).on('error', refused).on('end', () => { resolve(exchanged(response, text)); });
    };
    const request = arrival.secure
      ? httpsRequest({ ...shared, servername: arrival.serverName, rejectUnauthorized: false, ...(arrival.certified ? { cert: client.certificate, key: client.key } : {}) }, answered)
      : httpRequest(shared, answered);
    request.on('error', refused).on('timeout', () => { request.destroy(); }).end();
  });
}

function exchanged(response: IncomingMessage, text: string): Exchanged {
  const { statusCode = 0, headers } = response;
  const responseHeaders = new Map(Object.entries(headers).map(([name, value]) => [name, [value ?? ''].flat()]));
  if (statusCode !== 200) return { status: statusCode, responseHeaders, ...(headers.location === undefined ? {} : { location: headers.location }) };
  const echo = JSON.parse(text) as Echo;
  const requestHeaders = new Map(Object.entries(echo.headers ?? {}).map(([name, values]) => [name.toLowerCase(), values]));
  return { status: 200, responseHeaders, requestHeaders, backend: { name: echo.pod ?? '', namespace: echo.namespace ?? '' }, path: echo.path ?? '', host: echo.host ?? '' };
}

async function throughMesh(lab: TestLab, row: PeerRow, resources: readonly Resource[]): Promise<string | undefined> {
  const hosts = [...new Set(parentsOf(resources).filter(({ reference }) => reference.kind === 'Service').map(({ reference, namespace }) => `${reference.name}.${reference.namespace || namespace}`))];
  const whys: string[] = [];
  for (const caller of ['gateway-conformance-mesh/echo-v1', 'gateway-conformance-mesh-consumer/echo-v1']) {
    for (const host of row.Request.Host === undefined ? hosts : options(row.Request.Host, hosts, '')) {
      const path = options(row.Request.Path, pathsOf(resources), '/')[0] ?? '/';
      const headers = Object.entries(row.Request.Headers ?? {});
      const { output } = await lab.exec(caller, 'curl', '-s', '-i', '-m', '5', '-X', row.Request.Method ?? 'GET', ...headers.flatMap(([name, value]) => ['-H', `${name}: ${value}`]), `http://${host}${path}`);
      const arrival: Arrival = { localPort: 15001, ip: '', port: 80, secure: false, serverName: '', certified: true, method: row.Request.Method ?? 'GET', path, authority: row.Request.Headers?.['Host'] ?? host, headers: row.Request.Headers ?? {}, random: 0 };
      const why = difference(row, arrival, await curled(lab, output));
      if (why === undefined) return undefined;
      whys.push(`${caller} → ${host}: ${why}`);
    }
  }
  return whys.slice(0, 3).join('; ');
}

/** What curl printed: status, headers, and the lines of Istio's echo. */
async function curled(lab: TestLab, output: string): Promise<Exchanged> {
  const [head = '', body = ''] = output.split(/\r?\n\r?\n/, 2);
  const [first = '', ...lines] = head.split(/\r?\n/);
  const responseHeaders = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), [line.slice(line.indexOf(':') + 1).trim()]] as const));
  const status = Number(/^HTTP\/\S+ (\d+)/.exec(first)?.[1] ?? 0);
  const location = responseHeaders.get('location')?.[0];
  if (status !== 200) return { status, responseHeaders, ...(location === undefined ? {} : { location }) };
  const said = body.split(/\r?\n/);
  const value = (name: string): string => said.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
  const requestHeaders = new Map<string, string[]>();
  for (const line of said.filter((one) => one.startsWith('RequestHeader='))) {
    const [name = '', ...rest] = line.slice('RequestHeader='.length).split(':');
    requestHeaders.set(name.toLowerCase(), [...(requestHeaders.get(name.toLowerCase()) ?? []), rest.join(':').trim()]);
  }
  const name = value('Hostname');
  const pod = (await lab.status()).pods.find((one) => one.name === name);
  return { status, responseHeaders, requestHeaders, backend: { name, namespace: pod?.namespace ?? '' }, path: value('URL'), host: value('Host') };
}
