import type { Server } from '../../features/gateway/manifest.ts';
import { terminateModeOption, type Resource, type TypedResource } from '../../manifest/index.ts';
import { originAt } from '../model.ts';
import { gatewayHosts } from './deployment.ts';
import type { ApiListener } from './listeners.ts';

type ServerTls = NonNullable<Server['tls']>;

/** Istio's Gateway that stands for a listener. It is bound to services instead of labels, and its places are the listener's. */
export function listenerGateway(one: ApiListener, hosts: readonly string[], domainSuffix: string): TypedResource<'Gateway'> {
  const { gateway, listener, at, internal } = one;
  const { metadata } = gateway;
  const tls = tlsOf(one);
  const server: Server = {
    port: { number: listener.port, protocol: protocolOf(one), name: 'default' }, bind: '', name: listener.name,
    hosts: hosts.map((host) => `*/${host}`), ...(tls === undefined ? {} : { tls }),
  };
  return {
    apiVersion: 'networking.istio.io/v1', kind: 'Gateway', spec: { servers: [server], selector: {} }, body: {},
    origin: originAt(gateway, ['spec', 'listeners', at]),
    locate: () => gateway.locate(['spec', 'listeners', at]),
    metadata: { ...metadata, name: internal, annotations: { 'internal.istio.io/gateway-service': gatewayHosts(gateway, domainSuffix).join(','), 'internal.istio.io/gateway-semantics': 'gateway' } },
  };
}

function protocolOf({ listener }: ApiListener): string {
  return listener.protocol;
}

function tlsOf({ listener, certificates, clients }: ApiListener): ServerTls | undefined {
  if (listener.protocol !== 'HTTPS' && listener.protocol !== 'TLS') return undefined;
  if (listener.tls?.mode === 'Passthrough') return { ...noTls, mode: 'PASSTHROUGH' };
  const [credentialName = ''] = certificates;
  const asked = listener.tls?.options[terminateModeOption];
  return {
    ...noTls, ...(asked === 'MUTUAL' || asked === 'ISTIO_MUTUAL' ? { mode: asked } : {}), credentialName: certificates.length === 1 ? credentialName : '', credentialNames: certificates.length > 1 ? [...certificates] : [],
    ...(clients === undefined ? {} : { mode: clients.lenient ? 'OPTIONAL_MUTUAL' as const : 'MUTUAL' as const, caCertCredentialName: clients.authority, insecureSkipVerify: clients.lenient }),
  };
}

const noTls: ServerTls = {
  httpsRedirect: false, mode: 'SIMPLE', serverCertificate: '', privateKey: '', caCertificates: '', caCrl: '', credentialName: '', credentialNames: [], caCertCredentialName: '', tlsCertificates: [],
  subjectAltNames: [], verifyCertificateSpki: [], verifyCertificateHash: [], minProtocolVersion: 'TLS_AUTO', maxProtocolVersion: 'TLS_AUTO', cipherSuites: [], ecdhCurves: [],
};

/** A VirtualService that stands for routes. Lines are the route's. */
export function routeResource(route: Resource, name: string): TypedResource<'VirtualService'> {
  return {
    apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', body: {}, spec: { hosts: [], gateways: [], http: [], tls: [], tcp: [], exportTo: [] },
    metadata: { ...route.metadata, name }, origin: route.origin, locate: () => route.locate(['spec', 'rules']),
  };
}
