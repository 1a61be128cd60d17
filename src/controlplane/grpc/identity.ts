import type { PeerCertificate } from 'node:tls';
import type { ProxyNode } from '../../compile/index.ts';
import { proxyNode, type Mesh } from '../mesh.ts';
import { sameToken } from '../tokens.ts';
import type { NodeMessage } from './codec.ts';

/** What a connection or a token proves about a caller. */
export interface Caller {
  /** Over TLS; private keys go nowhere else. */
  readonly secure: boolean;
  /** SPIFFE identity; `undefined` when nothing was proved. */
  readonly identity: string | undefined;
  /** `namespace/pod` when a token proved which pod it is. */
  readonly pod: string | undefined;
}

/** Why a caller is not let in, with gRPC's status. */
export interface Refusal {
  readonly refused: 'unauthenticated' | 'permission-denied' | 'invalid-argument';
  readonly message: string;
}

const spiffe = /^URI:spiffe:\/\/([a-z0-9._-]+)\/ns\/([A-Za-z0-9._-]+)\/sa\/([A-Za-z0-9._-]+)$/;
const nodeId = /^(sidecar|router)~([0-9a-fA-F.:]+)~([A-Za-z0-9._-]+)\.([a-z0-9-]+)~([a-z0-9.-]+)$/;
const maxLabels = 200;

/** The identity of a certificate that has already been verified against the mesh's root: exactly one SAN, of our trust domain. */
export function certificateIdentity(certificate: Pick<PeerCertificate, 'subjectaltname'> | undefined, trustDomain: string): string | undefined {
  const match = spiffe.exec(certificate?.subjectaltname ?? '');
  return match?.[1] === trustDomain ? `spiffe://${trustDomain}/ns/${match[2] ?? ''}/sa/${match[3] ?? ''}` : undefined;
}

/** Who calls, by certificate, else by the pod's token in `authorization: Bearer …`. */
export function callerOf(secure: boolean, certificate: Pick<PeerCertificate, 'subjectaltname'> | undefined, authorization: string | undefined, mesh: Mesh): Caller {
  const proved = certificateIdentity(certificate, mesh.config.trustDomain);
  if (proved !== undefined) return { secure, identity: proved, pod: undefined };
  const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  const pod = token === undefined ? undefined : mesh.pods.find(({ tokenHash }) => sameToken(token, tokenHash));
  return pod === undefined ? { secure, identity: undefined, pod: undefined } : { secure, identity: identityOf(mesh, pod), pod: `${pod.namespace}/${pod.name}` };
}

/** The SPIFFE identity of a pod. */
export function identityOf(mesh: Mesh, pod: { readonly namespace: string; readonly serviceAccount: string }): string {
  return `spiffe://${mesh.config.trustDomain}/ns/${pod.namespace}/sa/${pod.serviceAccount}`;
}

/**
 * The node that a client says it is. Over TLS it has to prove it: its pod is registered, the id is the one of that pod, and the certificate or token is that pod's.
 * On the plaintext port, as with istiod's 15010, anybody in the lab's network may ask for config; what a registered pod is, is known better here than by the client.
 */
export function admitNode(message: NodeMessage | undefined, caller: Caller, mesh: Mesh): { readonly node: ProxyNode } | Refusal {
  if (message === undefined) return { refused: 'invalid-argument', message: 'The first request of a stream must name its node.' };
  const parsed = nodeId.exec(message.id);
  if (parsed === null) return { refused: 'invalid-argument', message: 'A node id looks like sidecar~IP~POD.NAMESPACE~NAMESPACE.svc.DOMAIN.' };
  const [, type, ip = '', name = '', namespace = ''] = parsed;
  const generator = message.metadata?.['GENERATOR'] === 'grpc' ? { generator: 'grpc' as const } : {};
  const pod = mesh.pod(`${namespace}/${name}`);
  if (caller.secure) {
    if (caller.identity === undefined) return { refused: 'unauthenticated', message: 'This port asks for a certificate of the mesh or for the pod’s token.' };
    if (pod === undefined) return { refused: 'permission-denied', message: `There is no pod ${namespace}/${name}.` };
    const expected = proxyNode(pod, mesh.config.domainSuffix);
    if (caller.identity !== identityOf(mesh, pod) || (caller.pod !== undefined && caller.pod !== `${namespace}/${name}`) || expected.id !== message.id) {
      return { refused: 'permission-denied', message: `The node id does not agree with who calls: ${caller.identity} is not ${message.id}.` };
    }
    return { node: { ...expected, ...generator } };
  }
  if (pod !== undefined) return { node: { ...proxyNode(pod, mesh.config.domainSuffix), ...generator } };
  const { LABELS: labels, SERVICE_ACCOUNT: account } = message.metadata ?? {};
  return {
    node: {
      id: message.id, type: type === 'router' ? 'router' : 'sidecar', name, namespace, ip, annotations: {}, labels: stringsOf(labels),
      serviceAccount: typeof account === 'string' ? account : 'default', ...generator,
    },
  };
}

function stringsOf(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string').slice(0, maxLabels));
}
