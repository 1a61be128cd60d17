import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Resource } from '../manifest/index.ts';
import { configParts, type ProxyConfig, type Secret } from '../xds/index.ts';
import { mountedFile, type SecretOwner } from './mounted-files.ts';
import { dataOf } from './stored-data.ts';

const prefix = 'kubernetes://';
/** Credentials of the Gateway API: Secret `NAMESPACE/NAME`, or `ca.crt` of a ConfigMap; with `+` between them, several bundles. */
const gatewayPrefix = 'kubernetes-gateway://';
const mapPrefix = 'configmap://';
const fileCertificate = 'file-cert:';
const fileRoot = 'file-root:';
/** What the proxy's own system trusts; no secret. */
const systemRoots = 'file-root:system';
const redactedText = '[redacted]';

/** Finds the names of secrets that a config asks SDS for. */
export type SecretNames = (config: Pick<ProxyConfig, 'listeners' | 'clusters' | typeof configParts>) => readonly string[];

/**
 * The names of secrets that listeners and clusters ask SDS for: credentials (`kubernetes://NAME`), and files of the proxy (`file-cert:…`, `file-root:…`).
 * What many proxies have, or one proxy still has, is looked through once.
 */
export function createSecretNames(): SecretNames {
  const known = new WeakMap<object, readonly string[]>();
  const remembered = (of: object, find: () => readonly string[]): readonly string[] => {
    let names = known.get(of);
    if (names === undefined) known.set(of, names = find());
    return names;
  };
  const inResource = (resource: object): readonly string[] => remembered(resource, () => {
    const names = new Set<string>();
    collect(resource, names);
    return [...names];
  });
  const inList = (resources: readonly object[]): readonly string[] => remembered(resources, () => [...new Set(resources.flatMap(inResource))]);
  return (config) => {
    const parts = config[configParts];
    const names = (parts === undefined ? [config] : [parts.common, parts.own]).flatMap(({ listeners, clusters }) => [...inList(listeners), ...inList(clusters)]);
    return names.length < 2 ? names : [...new Set(names)].sort();
  };
}

function collect(value: unknown, names: Set<string>): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) collect(item, names);
    return;
  }
  for (const [key, item] of Object.entries(value)) {
    const name = key === 'name' && typeof item === 'string' ? item : '';
    if ([prefix, gatewayPrefix, mapPrefix].some((scheme) => name.startsWith(scheme)) || (name.startsWith(fileCertificate) || name.startsWith(fileRoot)) && name !== systemRoots) names.add(name);
    else collect(item, names);
  }
}

/** The trust bundle as the secret `ROOTCA`. */
export function rootSecret(roots: string): Secret {
  return { name: 'ROOTCA', validationContext: { trustedCa: { inlineString: roots } } };
}

/**
 * A secret that a proxy names, as an Envoy secret, or why there is none. Credentials are Kubernetes Secrets of the proxy's own namespace:
 * `tls.crt` and `tls.key` (kubernetes.io/tls), or `cert` and `key` (generic). A name that ends in `-cacert` asks for the bundle that peers are
 * checked with, `ca.crt` or `cacert`, and the list of revoked certificates, `ca.crl` or `crl`, of that Secret or of the one without the ending.
 * Files are those that Secrets and ConfigMaps would be mounted at in the proxy's container.
 * Source: istio.io/latest/docs/tasks/traffic-management/ingress/secure-ingress, "Key formats".
 */
export function secretFor(name: string, owner: SecretOwner, resources: readonly Resource[]): Secret | { readonly missing: string } {
  if (name.startsWith(prefix)) return credential(name, name.slice(prefix.length), owner.namespace, resources);
  if (name.startsWith(gatewayPrefix) || name.startsWith(mapPrefix)) {
    if (name.includes('+')) return bundles(name, owner, resources);
    const [namespace = '', wanted = ''] = name.slice(name.indexOf('://') + 3).split('/');
    return name.startsWith(gatewayPrefix) ? credential(name, wanted, namespace, resources) : mapBundle(name, wanted, namespace, resources);
  }
  const read = (path: string): string | undefined => mountedFile(path, owner, resources);
  if (name.startsWith(fileRoot)) {
    const path = name.slice(fileRoot.length);
    const bundle = read(path);
    return bundle === undefined ? { missing: noFile(path) } : { name, validationContext: { trustedCa: { inlineString: bundle } } };
  }
  const [chainPath = '', keyPath = ''] = name.slice(fileCertificate.length).split('~');
  const chain = read(chainPath);
  const key = read(keyPath);
  if (chain === undefined || key === undefined) return { missing: noFile(chain === undefined ? chainPath : keyPath) };
  return { name, tlsCertificate: { certificateChain: { inlineString: chain }, privateKey: { inlineString: key } } };
}

function noFile(path: string): string {
  return `no Secret or ConfigMap is mounted that has the file ${path === '' ? '“”' : path}`;
}

/** Several bundles that a policy names, as one. */
function bundles(name: string, owner: SecretOwner, resources: readonly Resource[]): Secret | { readonly missing: string } {
  const found = name.split('+').map((one) => secretFor(one, owner, resources));
  const missing = found.find((one) => 'missing' in one);
  if (missing !== undefined) return missing;
  const texts = found.map((one) => ('validationContext' in one ? (one.validationContext?.trustedCa?.inlineString ?? '') : ''));
  return { name, validationContext: { trustedCa: { inlineString: texts.join('\n') } } };
}

/** The bundle of a ConfigMap that a gateway’s frontend validation names. */
function mapBundle(name: string, wanted: string, namespace: string, resources: readonly Resource[]): Secret | { readonly missing: string } {
  const map = wanted.replace(/-cacert$/, '');
  const bundle = dataOf('ConfigMap', map, namespace, resources)?.['ca.crt'];
  return bundle === undefined ? { missing: `ConfigMap ${namespace}/${map} has no ca.crt` } : { name, validationContext: { trustedCa: { inlineString: bundle } } };
}

function credential(name: string, wanted: string, namespace: string, resources: readonly Resource[]): Secret | { readonly missing: string } {
  const find = (secret: string): Readonly<Record<string, string>> | undefined => dataOf('Secret', secret, namespace, resources);
  if (wanted.endsWith('-cacert')) {
    const base = wanted.slice(0, -'-cacert'.length);
    for (const data of [find(wanted), find(base)]) {
      const bundle = data?.['ca.crt'] ?? data?.['cacert'];
      const crl = data?.['ca.crl'] ?? data?.['crl'];
      if (bundle !== undefined) return { name, validationContext: { trustedCa: { inlineString: bundle }, ...(crl === undefined ? {} : { crl: { inlineString: crl } }) } };
    }
    return { missing: `neither Secret ${namespace}/${wanted} nor ${namespace}/${base} has ca.crt or cacert` };
  }
  const data = find(wanted);
  if (data === undefined) return { missing: `there is no Secret ${namespace}/${wanted}` };
  const chain = data['tls.crt'] ?? data['cert'];
  const key = data['tls.key'] ?? data['key'];
  if (chain === undefined || key === undefined) return { missing: `Secret ${namespace}/${wanted} lacks ${chain === undefined ? 'tls.crt or cert' : 'tls.key or key'}` };
  const problem = pairProblem(chain, key);
  if (problem !== undefined) return { missing: `Secret ${namespace}/${wanted} cannot be used: ${problem}` };
  return { name, tlsCertificate: { certificateChain: { inlineString: chain }, privateKey: { inlineString: key } } };
}

/** Why a certificate and a key do not go together. */
function pairProblem(chain: string, key: string): string | undefined {
  try {
    return new X509Certificate(chain).checkPrivateKey(createPrivateKey(key)) ? undefined : 'the key is not the certificate’s';
  } catch (error) {
    return `certificate or key do not read (${error instanceof Error ? error.message : String(error)})`;
  }
}

/** A secret as it may be shown: its private key is not in it. */
export function redacted(secret: Secret): Secret {
  if (secret.tlsCertificate === undefined) return secret;
  return { ...secret, tlsCertificate: { ...secret.tlsCertificate, privateKey: { inlineString: redactedText } } };
}
