import { z } from 'zod';
import { ServerTLSSettings } from '../../features/gateway/manifest.ts';
import { Destination, Text, TextList, TextMap, UInt32, protoEnum } from '../../util/manifest-fields.ts';
import { ConnectionPoolSettings } from '../../features/circuit-breaking/manifest.ts';

const SidecarPort = z.object({ number: UInt32.default(0), protocol: Text, name: Text, targetPort: UInt32.exactOptional() });
const captureModes = ['DEFAULT', 'IPTABLES', 'NONE'] as const;

/** Source: istio.io, Sidecar. Which hosts a workload's sidecar knows, and what it listens on. */
export const Sidecar = z.object({
  workloadSelector: z.object({ labels: TextMap }).exactOptional(),
  ingress: z
    .array(z.object({ port: SidecarPort.exactOptional(), bind: Text, captureMode: protoEnum(captureModes), defaultEndpoint: Text, tls: ServerTLSSettings.exactOptional(), connectionPool: ConnectionPoolSettings.exactOptional() }))
    .default([]),
  egress: z.array(z.object({ port: SidecarPort.exactOptional(), bind: Text, captureMode: protoEnum(captureModes), hosts: TextList })).default([]),
  inboundConnectionPool: ConnectionPoolSettings.exactOptional(),
  outboundTrafficPolicy: z.object({ mode: protoEnum(['REGISTRY_ONLY', 'ALLOW_ANY']), egressProxy: Destination.exactOptional() }).exactOptional(),
});
export type Sidecar = z.output<typeof Sidecar>;
