import { ofKind, type PodTemplate, type Resource } from '../manifest/index.ts';

/** A webhook of Kubernetes' admission, as far as it is looked at. */
export interface Webhook {
  readonly name?: string;
  readonly clientConfig?: { readonly url?: string | null; readonly service?: { readonly name?: string; readonly namespace?: string } | null } | null;
  readonly namespaceSelector?: Selector | null;
  readonly objectSelector?: Selector | null;
}

interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] }[];
}

/** The webhooks of an admission configuration. */
export function webhooksOf(resource: Resource): readonly Webhook[] {
  const listed = resource.body['webhooks'];
  return Array.isArray(listed) ? listed.filter((item): item is Webhook => typeof item === 'object' && item !== null) : [];
}

/** Whether a text is an IP address, in brackets or not. */
export function isIpAddress(host: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(host) || host.startsWith('[');
}

/** What Istio's injector ConfigMap says. */
export interface InjectorValues {
  readonly proxyImage: string;
  readonly enableNamespacesByDefault: boolean;
}

/** The injector's values in a cluster's `istio-sidecar-injector` ConfigMap; `undefined` when there is none. */
export function injectorValues(resources: readonly Resource[]): InjectorValues | undefined {
  const map = ofKind(resources, 'ConfigMap').find(({ metadata }) => metadata.name === 'istio-sidecar-injector');
  const values = parseValues(map?.spec.data['values']);
  const { hub = '', tag = '', proxy } = values?.global ?? {};
  const image = proxy?.image ?? '';
  if (values === undefined) return undefined;
  return { proxyImage: image.includes('/') ? image : `${hub}/${image}:${tag}`, enableNamespacesByDefault: values.sidecarInjectorWebhook?.enableNamespacesByDefault === true };
}

interface Values {
  readonly global?: { readonly hub?: string; readonly tag?: string; readonly proxy?: { readonly image?: string } };
  readonly sidecarInjectorWebhook?: { readonly enableNamespacesByDefault?: boolean };
}

function parseValues(text: string | undefined): Values | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Values);
  } catch {
    // Someone else's ConfigMap of the same name: it says nothing about injection.
    return undefined;
  }
}

/** Whether a cluster's injection webhooks select a pod. */
export function injectsPod(resources: readonly Resource[], pod: PodTemplate): boolean {
  const namespace = ofKind(resources, 'Namespace').find(({ metadata }) => metadata.name === pod.namespace);
  const labels = { 'kubernetes.io/metadata.name': pod.namespace, ...namespace?.metadata.labels };
  return resources.filter(({ kind }) => kind === 'MutatingWebhookConfiguration').flatMap(webhooksOf).some(({ namespaceSelector, objectSelector }) => matches(namespaceSelector, labels) && matches(objectSelector, pod.labels));
}

function matches(selector: Selector | null | undefined, labels: Readonly<Record<string, string>>): boolean {
  const equal = Object.entries(selector?.matchLabels ?? {}).every(([name, value]) => labels[name] === value);
  return equal && (selector?.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value = labels[key];
    if (operator === 'Exists') return value !== undefined;
    if (operator === 'DoesNotExist') return value === undefined;
    const listed = value !== undefined && values.includes(value);
    return operator === 'In' ? listed : !listed;
  });
}
