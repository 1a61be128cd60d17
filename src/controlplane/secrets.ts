import type { Resource } from '../manifest/index.ts';
import type { Listener, Secret } from '../xds/index.ts';

const prefix = 'kubernetes://';
const redactedText = '[redacted]';

/** The names of gateway credentials (`kubernetes://NAME`) that listeners ask SDS for. */
export function credentialNames(listeners: readonly Listener[]): readonly string[] {
  const names = new Set<string>();
  collect(listeners, names);
  return [...names].sort();
}

function collect(value: unknown, names: Set<string>): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) collect(item, names);
    return;
  }
  for (const [key, item] of Object.entries(value)) {
    const name = key === 'name' && typeof item === 'string' ? item : '';
    if (name.startsWith(prefix)) names.add(name);
    else collect(item, names);
  }
}

/** The trust bundle as the secret `ROOTCA`. */
export function rootSecret(roots: string): Secret {
  return { name: 'ROOTCA', validationContext: { trustedCa: { inlineString: roots } } };
}

/**
 * A gateway's credential as an Envoy secret, from a Kubernetes Secret of the gateway's own namespace: `tls.crt` and `tls.key` (kubernetes.io/tls), or `cert` and `key` (generic).
 * A name that ends in `-cacert` asks for the CA bundle that client certificates are checked with: `cacert` or `ca.crt` of that Secret, or of the one without the ending.
 * `undefined` when there is no such Secret or it lacks the data. Source: istio.io/latest/docs/tasks/traffic-management/ingress/secure-ingress.
 */
export function credential(name: string, namespace: string, resources: readonly Resource[]): Secret | undefined {
  const wanted = name.slice(prefix.length);
  const find = (secret: string): Readonly<Record<string, string>> | undefined => {
    const resource = resources.find(({ kind, metadata }) => kind === 'Secret' && metadata.name === secret && metadata.namespace === namespace);
    return resource === undefined ? undefined : secretData(resource);
  };
  if (wanted.endsWith('-cacert')) {
    const data = find(wanted) ?? find(wanted.slice(0, -'-cacert'.length));
    const bundle = data?.['cacert'] ?? data?.['ca.crt'];
    return bundle === undefined ? undefined : { name, validationContext: { trustedCa: { inlineString: bundle } } };
  }
  const data = find(wanted);
  const chain = data?.['tls.crt'] ?? data?.['cert'];
  const key = data?.['tls.key'] ?? data?.['key'];
  if (chain === undefined || key === undefined) return undefined;
  return { name, tlsCertificate: { certificateChain: { inlineString: chain }, privateKey: { inlineString: key } } };
}

/** `data` decoded, with `stringData` over it, as Kubernetes stores it. */
function secretData({ body }: Resource): Readonly<Record<string, string>> {
  const decoded = Object.entries(strings(body['data'])).map(([key, value]): [string, string] => [key, Buffer.from(value, 'base64').toString('utf8')]);
  return { ...Object.fromEntries(decoded), ...strings(body['stringData']) };
}

function strings(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** A secret as it may be shown: its private key is not in it. */
export function redacted(secret: Secret): Secret {
  if (secret.tlsCertificate === undefined) return secret;
  return { ...secret, tlsCertificate: { ...secret.tlsCertificate, privateKey: { inlineString: redactedText } } };
}
