/** What a port speaks: `auto` is found out from the first bytes of a connection. */
export type ProtocolKind = 'http' | 'tcp' | 'tls' | 'auto' | 'udp';

/** A port's protocol, as far as config depends on it. */
export interface PortProtocol {
  readonly kind: ProtocolKind;
  /** Requests go upstream as HTTP/2. */
  readonly http2: boolean;
}

const known: Readonly<Record<string, PortProtocol>> = {
  http: { kind: 'http', http2: false }, http_proxy: { kind: 'http', http2: false }, http2: { kind: 'http', http2: true }, grpc: { kind: 'http', http2: true }, 'grpc-web': { kind: 'http', http2: true },
  tcp: { kind: 'tcp', http2: false }, mongo: { kind: 'tcp', http2: false }, redis: { kind: 'tcp', http2: false }, mysql: { kind: 'tcp', http2: false },
  https: { kind: 'tls', http2: false }, tls: { kind: 'tls', http2: false },
  udp: { kind: 'udp', http2: false }, sctp: { kind: 'udp', http2: false },
};
const auto: PortProtocol = { kind: 'auto', http2: false };
/** Ports on which the server speaks first, so that nothing may wait for the client's bytes. */
const serverFirst = new Set([25, 53, 3306, 27017]);
const appProtocols: Readonly<Record<string, string>> = { 'kubernetes.io/h2c': 'http2', 'kubernetes.io/ws': 'http', 'kubernetes.io/wss': 'https' };

/** A protocol by the name that Istio's resources use. */
export function parseProtocol(name: string): PortProtocol {
  return known[name.toLowerCase()] ?? auto;
}

/** The protocol of a Kubernetes service port: `appProtocol`, else the port name up to its first dash. */
export function servicePortProtocol(port: { readonly name: string; readonly port: number; readonly protocol: string; readonly appProtocol: string }): PortProtocol {
  if (port.protocol !== 'TCP') return parseProtocol(port.protocol);
  if (port.appProtocol !== '') return parseProtocol(appProtocols[port.appProtocol] ?? port.appProtocol);
  const name = port.name.toLowerCase();
  const prefix = name.startsWith('grpc-web') ? 'grpc-web' : (name.split('-')[0] ?? '');
  return known[prefix] ?? (serverFirst.has(port.port) ? parseProtocol('tcp') : auto);
}
