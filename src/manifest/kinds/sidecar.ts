import { z } from 'zod';
import { ServerTLSSettings } from '../../features/gateway/manifest.ts';
import { ConnectionPoolSettings } from '../../features/circuit-breaking/manifest.ts';
import { Destination, LabelsSelector, Text, TextList, UInt32, protoEnum } from '../../util/manifest-fields.ts';
import { required, ruled } from '../../util/manifest-rules.ts';

const SidecarPort = z.object({ number: UInt32.default(0), protocol: Text, name: Text, targetPort: UInt32.exactOptional() });
const captureModes = ['DEFAULT', 'IPTABLES', 'NONE'] as const;

/** Source: istio.io, Sidecar. Which hosts a workload's sidecar knows, and what it listens on. */
export const Sidecar = z.object({
  workloadSelector: LabelsSelector.exactOptional(),
  ingress: z
    .array(ruled(z.object({ port: SidecarPort.exactOptional(), bind: Text, captureMode: protoEnum(captureModes), defaultEndpoint: Text, tls: ServerTLSSettings.exactOptional(), connectionPool: ConnectionPoolSettings.exactOptional() }), required('port')))
    .default([]),
  egress: z.array(ruled(z.object({ port: SidecarPort.exactOptional(), bind: Text, captureMode: protoEnum(captureModes), hosts: TextList }), required('hosts'))).default([]),
  inboundConnectionPool: ConnectionPoolSettings.exactOptional(),
  outboundTrafficPolicy: z.object({ mode: protoEnum(['REGISTRY_ONLY', 'ALLOW_ANY']), egressProxy: Destination.exactOptional() }).exactOptional(),
});
export type Sidecar = z.output<typeof Sidecar>;
