import type { Resource } from '../../manifest/index.ts';
import { decodeBase64 } from './base64.ts';
import { groups, referenceName, type Problem, type Reference, type References } from './references.ts';

/** A bundle of authorities: the names of its secret on the wire, or what is wrong with the reference. */
export type Bundle = { readonly secret: string } | { readonly problem: Problem };

/** The reasons that a place has for its problems. */
export interface BundleReasons {
  readonly kind: string;
  readonly missing: string;
}

/** Looks up `ca.crt` of the ConfigMap or the Secret that a reference of a gateway or a policy names. */
export function bundleOf(from: Resource, target: Reference, found: References, reasons: BundleReasons): Bundle {
  const { group, kind, namespace, name } = target;
  if (group !== groups.core || (kind !== 'ConfigMap' && kind !== 'Secret')) return { problem: { reason: reasons.kind, message: `CA certificates have to be a ConfigMap, not ${kind}.` } };
  if (!found.granted({ group: groups.gateway, kind: from.kind, namespace: from.metadata.namespace }, target)) return { problem: { reason: 'RefNotPermitted', message: `No ReferenceGrant lets ${from.kind}s of ${from.metadata.namespace} use ${referenceName(target)}.` } };
  if (!hasBundle(kind, target, found)) return { problem: { reason: reasons.missing, message: `There is no ${referenceName(target)} with ca.crt.` } };
  return { secret: `${kind === 'ConfigMap' ? 'configmap' : 'kubernetes-gateway'}://${namespace}/${name}-cacert` };
}

function hasBundle(kind: string, { namespace, name }: Reference, found: References): boolean {
  if (kind === 'ConfigMap') return found.configMap(namespace, name)?.spec.data['ca.crt']?.includes('-----BEGIN CERTIFICATE-----') === true;
  const secret = found.secret(namespace, name)?.spec;
  return textOf(secret?.data['ca.crt'], secret?.stringData['ca.crt']).includes('-----BEGIN CERTIFICATE-----');
}

/** A Secret with a certificate and a key that a gateway's resource names: its secret on the wire, or what is wrong. */
export function keyPairOf(gateway: Resource, target: Reference, found: References, invalid: string): Bundle {
  if (target.group !== groups.core || target.kind !== 'Secret') return { problem: { reason: invalid, message: `A certificate has to be a Secret, not ${target.kind}.` } };
  if (!found.granted({ group: groups.gateway, kind: 'Gateway', namespace: gateway.metadata.namespace }, target)) return { problem: { reason: 'RefNotPermitted', message: `No ReferenceGrant lets Gateways of ${gateway.metadata.namespace} use ${referenceName(target)}.` } };
  const secret = found.secret(target.namespace, target.name);
  if (secret === undefined) return { problem: { reason: invalid, message: `There is no ${referenceName(target)}.` } };
  const { data, stringData } = secret.spec;
  const chain = textOf(data['tls.crt'], stringData['tls.crt']);
  const key = textOf(data['tls.key'], stringData['tls.key']);
  if (!chain.includes('-----BEGIN CERTIFICATE-----') || !/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(key)) return { problem: { reason: invalid, message: `${referenceName(target)} has no usable tls.crt and tls.key.` } };
  return { secret: `kubernetes-gateway://${target.namespace}/${target.name}` };
}

/** Base64 is decoded as far as the PEM markers need: they are ASCII. */
function textOf(encoded: string | undefined, plain: string | undefined): string {
  return plain ?? decodeBase64(encoded ?? '');
}
