import type { MeshSnapshot, PodInfo, ProxyNode } from './types.ts';

/** Who makes a call. */
export interface Caller {
  readonly node: ProxyNode;
  readonly sidecar: boolean;
}

const ingressLabels = { istio: 'ingressgateway' };

/** Finds the caller: the ingress gateway, a pod by name, or the first pod of a workload or app. */
export function callers(snapshot: MeshSnapshot, from: string): Caller | undefined {
  if (from === 'ingress') {
    const pod = snapshot.pods.find(({ labels }) => labels.istio === ingressLabels.istio);
    return { sidecar: true, node: pod === undefined ? imaginedGateway(snapshot) : { ...nodeOf(pod, snapshot), type: 'router' } };
  }
  const slash = from.indexOf('/');
  const namespace = slash < 0 ? undefined : from.slice(0, slash);
  const name = from.slice(slash + 1);
  const there = snapshot.pods.filter((pod) => namespace === undefined || pod.namespace === namespace);
  const pod = there.find((candidate) => candidate.name === name) ?? there.find(({ workload }) => workload === name) ?? there.find(({ labels }) => labels.app === name);
  return pod === undefined ? undefined : { node: nodeOf(pod, snapshot), sidecar: pod.sidecar };
}

/** The proxy of a pod. */
export function nodeOf(pod: PodInfo, { mesh }: MeshSnapshot): ProxyNode {
  const { name, namespace, ip, labels, annotations, serviceAccount } = pod;
  return { id: `sidecar~${ip}~${name}.${namespace}~${namespace}.svc.${mesh.domainSuffix}`, type: 'sidecar', name, namespace, ip, labels, annotations, serviceAccount };
}

function imaginedGateway({ mesh }: MeshSnapshot): ProxyNode {
  return { id: `router~0.0.0.0~istio-ingressgateway.${mesh.rootNamespace}~${mesh.rootNamespace}.svc.${mesh.domainSuffix}`, type: 'router', name: 'istio-ingressgateway', namespace: mesh.rootNamespace, ip: '0.0.0.0', labels: ingressLabels, annotations: {}, serviceAccount: 'istio-ingressgateway' };
}
