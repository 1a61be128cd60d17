import { z } from 'zod';
import { Text, TextList, WorkloadSelector, protoEnum } from '../../util/manifest-fields.ts';

/** What a workload accepts. `UNSET` inherits. */
const MutualTLS = z.object({ mode: protoEnum(['UNSET', 'DISABLE', 'PERMISSIVE', 'STRICT']) });
export type MutualTLS = z.output<typeof MutualTLS>;

/** Source: istio.io, PeerAuthentication. Keys of `portLevelMtls` are workload ports. */
export const PeerAuthentication = z.object({
  selector: WorkloadSelector.exactOptional(),
  mtls: MutualTLS.exactOptional(),
  portLevelMtls: z.record(z.string(), MutualTLS).default({}),
});
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

