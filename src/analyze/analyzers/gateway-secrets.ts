import { ofKind, type Diagnostic, type Resource, type TypedResource } from '../../manifest/index.ts';
import { finding, selects, type Analysis, type Analyzer } from '../analyzer.ts';

/** Certificates that a Gateway's servers name: the Secret must be where the gateway's pods are. */
export const gatewaySecrets: Analyzer = {
  name: 'gateway.SecretAnalyzer',
  codes: ['IST0101', 'IST0161'],
  run: (analysis) => ofKind(analysis.resources, 'Gateway').flatMap((gateway) =>
    gateway.spec.servers.flatMap(({ tls }, index) => {
      if (tls === undefined) return [];
      const base = ['spec', 'servers', index, 'tls'];
      const named = [...(tls.credentialName === '' ? [] : [{ name: tls.credentialName, path: [...base, 'credentialName'] }]), ...tls.credentialNames.map((name, at) => ({ name, path: [...base, 'credentialNames', at] }))];
      return named.flatMap(({ name, path }) => check(gateway, name, path, analysis) ?? []);
    }),
  ),
};

function check(gateway: TypedResource<'Gateway'>, name: string, path: readonly (string | number)[], { resources, registry, gateways }: Analysis): Diagnostic | undefined {
  const { selector } = gateway.spec;
  const places = new Set([
    ...gateways.filter(({ labels }) => selects(selector, labels)).map(({ namespace }) => namespace),
    ...registry.templates.filter(({ labels }) => selects(selector, labels)).map(({ namespace }) => namespace),
  ]);
  if (places.size === 0) places.add(gateway.metadata.namespace);
  const secret = ofKind(resources, 'Secret').find(({ metadata }) => metadata.name === name && places.has(metadata.namespace));
  if (secret === undefined) {
    const elsewhere = resources.find((resource) => resource.kind === 'Secret' && resource.metadata.name === name);
    const where = [...places].join(' or ');
    return finding(gateway, path, {
      code: 'IST0101', level: 'error', message: `There is no Secret ${name} in namespace ${where}, so this server has no certificate.`,
      help: elsewhere === undefined ? `Apply a Secret of type kubernetes.io/tls named ${name}.` : `It is in ${elsewhere.metadata.namespace}: move it to ${where}, where the gateway runs.`,
    });
  }
  return incomplete(secret, gateway, path);
}

function incomplete(secret: TypedResource<'Secret'>, gateway: Resource, path: readonly (string | number)[]): Diagnostic | undefined {
  const keys = new Set([...Object.keys(secret.spec.data), ...Object.keys(secret.spec.stringData)]);
  if ((keys.has('tls.crt') && keys.has('tls.key')) || (keys.has('cert') && keys.has('key'))) return undefined;
  return finding(gateway, path, { code: 'IST0161', level: 'error', message: `The Secret ${secret.metadata.name} has no certificate and key.`, help: 'It needs tls.crt and tls.key.' });
}
