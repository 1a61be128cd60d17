import { isIpAddress, webhooksOf, type Webhook } from '../injector.ts';
import type { Resource } from '../../manifest/index.ts';
import { finding, type Analysis, type Analyzer } from '../analyzer.ts';

/** Injection webhooks that call nobody, or that inject the same pods twice. */
export const webhooks: Analyzer = {
  name: 'webhook.Analyzer',
  codes: ['IST0139'],
  cluster: true,
  run: (analysis) => {
    const all = analysis.resources.filter(isInjector).flatMap((resource) => webhooksOf(resource).map((webhook, index) => ({ resource, webhook, index })));
    return all.flatMap(({ resource, webhook, index }) => {
      const path = ['webhooks', index];
      const missing = missingService(webhook, analysis);
      const twin = all.find((other) => (other.resource !== resource || other.index !== index) && sameSelectors(other.webhook, webhook));
      return [
        ...(missing === undefined ? [] : [finding(resource, path, { code: 'IST0139', level: 'error', message: `The webhook ${webhook.name ?? ''} calls the Service ${missing}, which does not exist.`, help: 'Remove the configuration of an Istio that is gone.' })]),
        ...(twin === undefined ? [] : [finding(resource, path, { code: 'IST0139', level: 'error', message: `The webhook selects the same pods as one of ${twin.resource.metadata.name}, so they would be injected twice.`, help: 'Let their selectors exclude each other.' })]),
      ];
    });
  },
};

const isInjector = ({ kind, metadata }: Resource): boolean => kind === 'MutatingWebhookConfiguration' && metadata.name.startsWith('istio');

function missingService({ clientConfig }: Webhook, { registry }: Analysis): string | undefined {
  const service = clientConfig?.service;
  if (service === undefined || service === null) return undefined;
  const there = registry.services.some(({ metadata }) => metadata.name === service.name && metadata.namespace === service.namespace);
  return there ? undefined : `${service.namespace ?? ''}/${service.name ?? ''}`;
}

const sameSelectors = (left: Webhook, right: Webhook): boolean => JSON.stringify([left.namespaceSelector, left.objectSelector]) === JSON.stringify([right.namespaceSelector, right.objectSelector]);

/** Webhooks of a control plane outside of the cluster, which must be named by a URL. */
export const externalControlPlane: Analyzer = {
  name: 'externalcontrolplane.ExternalControlPlaneAnalyzer',
  codes: ['IST0163', 'IST0164'],
  cluster: true,
  run: ({ resources }) => resources.filter(({ kind, metadata }) => /^(Mutating|Validating)WebhookConfiguration$/.test(kind) && metadata.name.startsWith('istio')).flatMap((resource) =>
    webhooksOf(resource).flatMap(({ name, clientConfig }, index) => {
      const path = ['webhooks', index, 'clientConfig'];
      const url = clientConfig?.url ?? '';
      if (url === '') return clientConfig?.service === undefined || clientConfig.service === null ? [finding(resource, path, { code: 'IST0163', level: 'warning', message: `The webhook ${name ?? ''} says neither the URL nor the Service of a control plane.`, help: 'Write clientConfig.url.' })] : [];
      const host = /^https?:\/\/(\[[^\]]*\]|[^/:]*)/.exec(url)?.[1] ?? '';
      return isIpAddress(host) ? [finding(resource, [...path, 'url'], { code: 'IST0164', level: 'info', message: `${url} names the control plane by address, which its certificate rarely covers.`, help: 'Use a host name.' })] : [];
    }),
  ),
};
