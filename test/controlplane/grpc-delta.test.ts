import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { incrementalCompiler } from '../../src/controlplane/istio-compiler.ts';
import { createCodec } from '../../src/controlplane/grpc/codec.ts';
import { typeUrl, type ResourceType } from '../../src/xds/index.ts';
import { csr, pod, startFixture, until, type Fixture } from './fixture.ts';
import { echoFiles, echoPod } from './grpc-fixture.ts';

const codec = createCodec(() => undefined);
const bytes = (message: Buffer): Buffer => message;
const ads = '/envoy.service.discovery.v3.AggregatedDiscoveryService';
const clientNode = { id: 'sidecar~127.0.0.1~client.default~default.svc.cluster.local', metadata: { GENERATOR: 'grpc' } };

type Json = Record<string, unknown>;

/** A stream of JSON messages to one method, and everything that came. */
function open(client: grpc.Client, method: string, names: { readonly request: string; readonly response: string }, metadata = new grpc.Metadata()) {
  const call = client.makeBidiStreamRequest(method, bytes, bytes, metadata);
  const received: Json[] = [];
  let ended: grpc.StatusObject | undefined;
  call.on('data', (message: Buffer) => received.push(codec.decode(names.response, message) as Json));
  call.on('status', (status: grpc.StatusObject) => { ended = status; });
  call.on('error', () => undefined);
  return { call, received, say: (message: Json) => { call.write(Buffer.from(codec.encode(names.request, message as never))); }, status: () => ended };
}

const discovery = 'envoy.service.discovery.v3';
const delta = { request: `${discovery}.DeltaDiscoveryRequest`, response: `${discovery}.DeltaDiscoveryResponse` };
const sotw = { request: `${discovery}.DiscoveryRequest`, response: `${discovery}.DiscoveryResponse` };
const names = (response: Json | undefined): readonly string[] => ((response?.['resources'] ?? []) as { name: string }[]).map(({ name }) => name);

describe('the binary wire', () => {
  let lab: Fixture;
  let client: grpc.Client;
  beforeEach(async () => {
    lab = await startFixture({ compiler: incrementalCompiler(), streamLimits: { firstRequestWithin: 500, stalledAfter: 500 } });
    client = new grpc.Client(`127.0.0.1:${lab.control.discoveryPort}`, grpc.credentials.createInsecure());
    await lab.core.setPods([echoPod('echo-v1', 'v1', '127.0.0.2'), echoPod('echo-v2', 'v2', '127.0.0.3')]);
    await lab.core.setFiles(echoFiles(7000, undefined));
  });
  afterEach(async () => {
    client.close();
    await lab.close();
  });

  /** Over TLS, as the pod `echo-v1` unless said otherwise. */
  const secured = (token: string | undefined, certificate?: { readonly key: string; readonly chain: string }): { readonly client: grpc.Client; readonly metadata: grpc.Metadata } => {
    const metadata = new grpc.Metadata();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    const credentials = grpc.credentials.createSsl(Buffer.from(lab.root.certificate), ...(certificate === undefined ? [] : [Buffer.from(certificate.key), Buffer.from(certificate.chain)] as const));
    return { client: new grpc.Client(`127.0.0.1:${lab.control.port}`, credentials, { 'grpc.ssl_target_name_override': 'istiod.istio-system.svc' }), metadata };
  };

  it('tells a delta client what changed and what is gone, and nothing else', async () => {
    const stream = open(client, `${ads}/DeltaAggregatedResources`, delta);
    const answer = (response: Json | undefined, error?: string): void => stream.say({ typeUrl: response?.['typeUrl'], responseNonce: response?.['nonce'], ...(error === undefined ? {} : { errorDetail: { code: 3, message: error } }) });
    stream.say({ node: clientNode, typeUrl: typeUrl.cluster });
    await until('clusters came', () => stream.received.length === 1);
    expect(names(stream.received[0])).toEqual(['outbound|7070||echo.default.svc.cluster.local', 'outbound|7070|v1|echo.default.svc.cluster.local', 'outbound|7070|v2|echo.default.svc.cluster.local']);
    answer(stream.received[0]);
    const endpoints = 'outbound|7070|v1|echo.default.svc.cluster.local';
    stream.say({ typeUrl: typeUrl.endpoint, resourceNamesSubscribe: [endpoints, 'outbound|1||nowhere.default.svc.cluster.local'] });
    await until('endpoints came', () => stream.received.length === 2);
    expect(names(stream.received[1])).toEqual([endpoints]);
    expect(stream.received[1]?.['removedResources']).toEqual(['outbound|1||nowhere.default.svc.cluster.local']);
    expect(stream.received[1]?.['resources']).toMatchObject([{ resource: { endpoints: [{ locality: {}, loadBalancingWeight: 1, lbEndpoints: [{ healthStatus: 'HEALTHY', loadBalancingWeight: 1, endpoint: { address: { socketAddress: { address: '127.0.0.2', portValue: 7000 } } } }] }] } }]);
    answer(stream.received[1]);
    await lab.core.setFiles([...echoFiles(7000, undefined), { path: 'b.yaml', text: 'apiVersion: v1\nkind: Service\nmetadata: { name: more }\nspec: { ports: [{ name: grpc, port: 1 }] }' }]);
    await until('the new cluster came', () => stream.received.length === 3);
    expect(names(stream.received[2])).toEqual(['outbound|1||more.default.svc.cluster.local']);
    expect(stream.received[2]?.['removedResources']).toBeUndefined();
    answer(stream.received[2], 'not like this');
    await until('the rejection is known', async () => (await lab.core.metricsText()).includes('pilot_total_xds_rejects{type="cds"} 1'));
    stream.say({ typeUrl: typeUrl.listener, resourceNamesSubscribe: ['echo:7070'] });
    await until('the listener came', () => stream.received.length === 4);
    answer(stream.received[3]);
    const answered = new Set<unknown>(stream.received.map(({ nonce }) => nonce));
    await lab.core.setFiles([{ path: 'c.yaml', text: 'apiVersion: v1\nkind: Service\nmetadata: { name: other }\nspec: { ports: [{ name: grpc, port: 2 }] }' }]);
    await until('what is gone has been taken back, after what is new has come', () => {
      for (const response of stream.received) if (!answered.has(response['nonce'])) { answered.add(response['nonce']); answer(response); }
      return stream.received.some((response) => response['typeUrl'] === typeUrl.cluster && ((response['removedResources'] ?? []) as readonly string[]).includes(endpoints));
    });
    const order = stream.received.slice(4).map((response) => `${names(response).join()} -${((response['removedResources'] ?? []) as readonly string[]).length}`);
    expect(order[0]).toBe('outbound|2||other.default.svc.cluster.local -0');
    expect(order.findIndex((line) => line === ' -1')).toBeGreaterThan(0);
    stream.call.end();
  });

  it('spares a delta client that comes back what it has already', async () => {
    const first = open(client, `${ads}/DeltaAggregatedResources`, delta);
    first.say({ node: clientNode, typeUrl: typeUrl.cluster });
    await until('clusters came', () => first.received.length === 1);
    const has = Object.fromEntries(((first.received[0]?.['resources'] ?? []) as { name: string; version: string }[]).map(({ name, version }) => [name, version]));
    first.call.end();
    const again = open(client, `${ads}/DeltaAggregatedResources`, delta);
    again.say({ node: clientNode, typeUrl: typeUrl.cluster, initialResourceVersions: { ...has, 'outbound|9||gone.default.svc.cluster.local': 'old' } });
    await until('an answer came', () => again.received.length === 1);
    expect(names(again.received[0])).toEqual([]);
    again.call.end();
  });

  it('serves sidecars’ own config too, without loss', async () => {
    const stream = open(client, `${ads}/StreamAggregatedResources`, sotw);
    const types: readonly ResourceType[] = ['cluster', 'endpoint', 'listener', 'route', 'names'];
    await lab.core.setPods([pod('app', { ip: '10.0.0.5', labels: { app: 'echo' } })]);
    await until('the pod is compiled', async () => (await lab.core.proxyConfig('default/app', 'clusters') as { name: string }[]).some(({ name }) => name === 'inbound|7000||'));
    stream.say({ node: { id: 'sidecar~10.0.0.5~app.default~default.svc.cluster.local' }, typeUrl: typeUrl.cluster });
    const sections = { cluster: 'clusters', endpoint: 'endpoints', listener: 'listeners', route: 'routes' } as const;
    for (const type of types) {
      const wanted = type === 'endpoint' || type === 'route' ? (await lab.core.proxyConfig('default/app', sections[type]) as { name?: string; clusterName?: string }[]).map(({ name, clusterName }) => name ?? clusterName) : [];
      if (type !== 'cluster') stream.say({ typeUrl: typeUrl[type], resourceNames: wanted });
      await until(`${type} came`, () => stream.received.some((response) => response['typeUrl'] === typeUrl[type]));
      const response = stream.received.find((candidate) => candidate['typeUrl'] === typeUrl[type]);
      stream.say({ typeUrl: typeUrl[type], resourceNames: wanted, versionInfo: response?.['versionInfo'], responseNonce: response?.['nonce'] });
      if (type === 'names' || type === 'secret') continue;
      const name = typeUrl[type].slice('type.googleapis.com/'.length);
      const own = await lab.core.proxyConfig('default/app', sections[type]);
      const sent = (response?.['resources'] ?? []) as Json[];
      expect(sent.length).toBe(own.length);
      // Both through the same encoding: equal bytes are equal messages, with nothing left out.
      for (const resource of own as Json[]) expect(sent.map(({ '@type': _type, ...rest }) => rest)).toContainEqual(codec.decode(name, codec.encode(name, resource as never)));
    }
    expect(lab.log.filter((line) => line.includes('as Envoy’s API has it'))).toEqual([]);
    stream.call.end();
  });

  it('holds a node id against the certificate or token on the TLS port', async () => {
    await lab.core.setPods([pod('app', { ip: '10.0.0.5' }), pod('other', { ip: '10.0.0.6' })]);
    const id = (name: string, ip = '10.0.0.5'): string => `sidecar~${ip}~${name}.default~default.svc.cluster.local`;
    const outcome = async (nodeId: string, token: string | undefined, certificate?: { readonly key: string; readonly chain: string }): Promise<number> => {
      const { client: tls, metadata } = secured(token, certificate);
      const stream = open(tls, `${ads}/StreamAggregatedResources`, sotw, metadata);
      stream.say({ node: { id: nodeId }, typeUrl: typeUrl.cluster });
      await until('there is an outcome', () => stream.status() !== undefined || stream.received.length > 0);
      const code = stream.status()?.code ?? grpc.status.OK;
      stream.call.cancel();
      tls.close();
      return code;
    };
    expect(await outcome(id('app'), 'token-app')).toBe(grpc.status.OK);
    expect(await outcome(id('app'), undefined)).toBe(grpc.status.UNAUTHENTICATED);
    expect(await outcome(id('app'), 'guess')).toBe(grpc.status.UNAUTHENTICATED);
    expect(await outcome(id('app'), 'token-other')).toBe(grpc.status.PERMISSION_DENIED);
    expect(await outcome(id('app', '10.0.0.9'), 'token-app')).toBe(grpc.status.PERMISSION_DENIED);
    expect(await outcome('sidecar~nobody', 'token-app')).toBe(grpc.status.INVALID_ARGUMENT);
    const own = await certificate('token-app');
    expect(await outcome(id('app'), undefined, own)).toBe(grpc.status.OK);
    expect(await outcome(id('other', '10.0.0.6'), undefined, own)).toBe(grpc.status.PERMISSION_DENIED);
  });

  /** A certificate by CSR, with the key that it is for. */
  async function certificate(token: string | undefined): Promise<{ readonly key: string; readonly chain: string }> {
    const { pem, keys } = await csr(['spiffe://cluster.local/ns/other/sa/stolen']);
    const { client: tls, metadata } = secured(token);
    const request = Buffer.from(codec.encode('istio.v1.auth.IstioCertificateRequest', { csr: pem }));
    try {
      const reply = await new Promise<Buffer>((resolve, reject) => {
        tls.makeUnaryRequest('/istio.v1.auth.IstioCertificateService/CreateCertificate', bytes, bytes, request, metadata, (error, answer) => { if (error === null) resolve(answer ?? Buffer.of()); else reject(error); });
      });
      const { certChain } = codec.decode('istio.v1.auth.IstioCertificateResponse', reply) as { certChain: string[] };
      const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
      return { chain: certChain[0] ?? '', key: `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n` };
    } finally {
      tls.close();
    }
  }

  it('issues certificates and secrets to whom they belong, over TLS only', async () => {
    await lab.core.setPods([pod('app', { ip: '10.0.0.5' })]);
    await expect(certificate(undefined)).rejects.toMatchObject({ code: grpc.status.UNAUTHENTICATED });
    const { X509Certificate } = await import('node:crypto');
    expect(new X509Certificate((await certificate('token-app')).chain).subjectAltName).toBe('URI:spiffe://cluster.local/ns/default/sa/sa-app');
    const { client: tls, metadata } = secured('token-app');
    const stream = open(tls, '/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets', sotw, metadata);
    stream.say({ typeUrl: typeUrl.secret, resourceNames: ['default', 'ROOTCA', 'kubernetes://missing'] });
    await until('both secrets came', () => {
      const last = stream.received.at(-1);
      if (last !== undefined) stream.say({ typeUrl: typeUrl.secret, resourceNames: ['default', 'ROOTCA', 'kubernetes://missing'], versionInfo: last['versionInfo'], responseNonce: last['nonce'] });
      return names(last).length === 2;
    });
    const secrets = stream.received.at(-1)?.['resources'] as { name: string; tlsCertificate?: { certificateChain: { inlineString: string }; privateKey: { inlineString: string } } }[];
    const own = secrets.find(({ name }) => name === 'default')?.tlsCertificate;
    expect(new X509Certificate(own?.certificateChain.inlineString ?? '').subjectAltName).toBe('URI:spiffe://cluster.local/ns/default/sa/sa-app');
    expect(own?.privateKey.inlineString).toContain('PRIVATE KEY');
    tls.close();
    const plain = open(client, '/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets', sotw);
    plain.say({ typeUrl: typeUrl.secret, resourceNames: ['default'] });
    await until('it is refused', () => plain.status()?.code === grpc.status.UNAUTHENTICATED);
  });

  it('lets a hostile client cost only itself', async () => {
    const good = open(client, `${ads}/StreamAggregatedResources`, sotw);
    good.say({ node: clientNode, typeUrl: typeUrl.cluster });
    await until('the good one is served', () => good.received.length === 1);
    const hostile = new grpc.Client(`127.0.0.1:${lab.control.discoveryPort}`, grpc.credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
    const silent = open(hostile, `${ads}/StreamAggregatedResources`, sotw);
    const garbage = open(hostile, `${ads}/StreamAggregatedResources`, sotw);
    garbage.call.write(Buffer.from('this is no message at all'));
    const greedy = open(hostile, `${ads}/StreamAggregatedResources`, sotw);
    greedy.say({ node: clientNode, typeUrl: typeUrl.endpoint, resourceNames: Array.from({ length: 10_001 }, (_, at) => `name-${at}`) });
    await until('garbage is refused', () => garbage.status()?.code === grpc.status.INVALID_ARGUMENT);
    await until('too many names are refused', () => greedy.status()?.code === grpc.status.INVALID_ARGUMENT);
    await until('silence is ended', () => silent.status()?.code === grpc.status.DEADLINE_EXCEEDED);
    const flood = open(hostile, `${ads}/StreamAggregatedResources`, sotw);
    for (let at = 0; at < 5000; at++) flood.say({ node: clientNode, typeUrl: typeUrl.endpoint, resourceNames: [`name-${at}`] });
    const raw = connectTcp({ host: '127.0.0.1', port: lab.control.discoveryPort });
    raw.resume();
    raw.on('error', () => undefined);
    raw.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await once(raw, 'close');
    await lab.core.setFiles(echoFiles(7001, undefined));
    good.say({ typeUrl: typeUrl.cluster, versionInfo: good.received[0]?.['versionInfo'], responseNonce: good.received[0]?.['nonce'] });
    await lab.core.setFiles([]);
    await until('the good one is still served', () => good.received.length === 2);
    flood.call.cancel();
    hostile.close();
    good.call.end();
  });
});
