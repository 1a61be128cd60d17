import type { KindDefinition } from './definition.ts';

type Entry = readonly [kind: string, plural: string, aliases: string];
const gatewayApi: readonly Entry[] = [
  ['UDPRoute', 'udproutes', ''], ['ListenerSet', 'listenersets', 'lset'], ['XListenerSet', 'xlistenersets', ''], ['XBackendTrafficPolicy', 'xbackendtrafficpolicies', ''], ['XMesh', 'xmeshes', ''],
];
const gatewayVersions = ['v1', 'v1beta1', 'v1alpha3', 'v1alpha2'];

function passed(group: string, versions: readonly string[], entries: readonly Entry[], notRun: string, namespaced = true): KindDefinition[] {
  return entries.map(([kind, plural, aliases]) => ({ kind, group, versions, namespaced, aliases: aliases === '' ? [] : aliases.split(' '), plural, typed: 'spec', notRun }));
}

/** Why a kind does not run that will. */
export const later = 'the lab does not run it yet';
const noCluster = 'the lab has no cluster to administer';

/** Kinds that are known by name and kept as written: analysis reads some of them, the lab runs none. */
export const passedThrough: readonly KindDefinition[] = [
  ...passed('gateway.networking.k8s.io', gatewayVersions, gatewayApi.filter(([kind]) => !kind.startsWith('X')), 'Istio does not run it either'),
  ...passed('gateway.networking.x-k8s.io', ['v1alpha1'], gatewayApi.filter(([kind]) => kind.startsWith('X')), later),
  ...passed('inference.networking.k8s.io', ['v1'], [['InferencePool', 'inferencepools', 'infpool']], later),
  ...passed('networking.k8s.io', ['v1'], [['NetworkPolicy', 'networkpolicies', 'netpol']], 'the lab’s network has no packet filter'),
  ...passed('batch', ['v1', 'v1beta1'], [['Job', 'jobs', ''], ['CronJob', 'cronjobs', 'cj']], later),
  ...passed('autoscaling', ['v2', 'v1'], [['HorizontalPodAutoscaler', 'horizontalpodautoscalers', 'hpa']], 'replicas stay as written'),
  ...passed('policy', ['v1'], [['PodDisruptionBudget', 'poddisruptionbudgets', 'pdb']], noCluster),
  ...passed('', ['v1'], [['PersistentVolumeClaim', 'persistentvolumeclaims', 'pvc'], ['LimitRange', 'limitranges', 'limits'], ['ResourceQuota', 'resourcequotas', 'quota'], ['ReplicationController', 'replicationcontrollers', 'rc'], ['Event', 'events', 'ev']], noCluster),
  ...passed('', ['v1'], [['PersistentVolume', 'persistentvolumes', 'pv'], ['Node', 'nodes', 'no']], noCluster, false),
  ...passed('rbac.authorization.k8s.io', ['v1'], [['Role', 'roles', ''], ['RoleBinding', 'rolebindings', '']], noCluster),
  ...passed('rbac.authorization.k8s.io', ['v1'], [['ClusterRole', 'clusterroles', ''], ['ClusterRoleBinding', 'clusterrolebindings', '']], noCluster, false),
  ...passed('apiextensions.k8s.io', ['v1'], [['CustomResourceDefinition', 'customresourcedefinitions', 'crd crds']], noCluster, false),
  ...passed('admissionregistration.k8s.io', ['v1', 'v1beta1'], [['ValidatingWebhookConfiguration', 'validatingwebhookconfigurations', ''], ['MutatingWebhookConfiguration', 'mutatingwebhookconfigurations', ''], ['ValidatingAdmissionPolicy', 'validatingadmissionpolicies', ''], ['ValidatingAdmissionPolicyBinding', 'validatingadmissionpolicybindings', '']], noCluster, false),
  ...passed('certificates.k8s.io', ['v1'], [['CertificateSigningRequest', 'certificatesigningrequests', 'csr']], noCluster, false),
  ...passed('scheduling.k8s.io', ['v1'], [['PriorityClass', 'priorityclasses', 'pc']], noCluster, false),
  ...passed('storage.k8s.io', ['v1'], [['StorageClass', 'storageclasses', 'sc']], noCluster, false),
];
