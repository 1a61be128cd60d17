import { z } from 'zod';
import { Text, TextList, WorkloadSelector, protoEnum } from '../../util/manifest-fields.ts';
import { forMap, has, keys, length, ruled } from '../../util/manifest-rules.ts';

/** What a workload accepts. `UNSET` inherits. */
const MutualTLS = z.object({ mode: protoEnum(['UNSET', 'DISABLE', 'PERMISSIVE', 'STRICT']) });
export type MutualTLS = z.output<typeof MutualTLS>;

const needsSelector = forMap((spec) => {
  const labels = (spec['selector'] as { readonly matchLabels?: object } | null | undefined)?.matchLabels;
  return has(spec, 'portLevelMtls') && Object.keys(labels ?? {}).length === 0 ? 'needs a selector with matchLabels, because portLevelMtls speaks of a workload’s ports' : undefined;
});

/** Source: istio.io, PeerAuthentication. Keys of `portLevelMtls` are workload ports. */
export const PeerAuthentication = ruled(z.object({
  selector: WorkloadSelector.exactOptional(),
  mtls: MutualTLS.exactOptional(),
  portLevelMtls: ruled(z.record(z.string(), MutualTLS).default({}), length({ min: 1 }), keys((port) => (/^\d+$/.test(port) && Number(port) >= 1 && Number(port) <= 65535 ? undefined : `has the key “${port}”, which is not a port`))),
}), needsSelector);
export type PeerAuthentication = z.output<typeof PeerAuthentication>;

/** How a caller's sidecar speaks TLS to a service. Source: istio.io, DestinationRule, ClientTLSSettings. */
export const ClientTLSSettings = z.object({
  mode: protoEnum(['DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL']),
  clientCertificate: Text,
  privateKey: Text,
  caCertificates: Text,
  caCrl: Text,
  credentialName: Text,
  subjectAltNames: TextList,
  sni: Text,
  insecureSkipVerify: z.boolean().exactOptional(),
});
export type ClientTLSSettings = z.output<typeof ClientTLSSettings>;

