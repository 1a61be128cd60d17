import { z } from 'zod';
import { WorkloadTemplate } from '../../features/service-entry/manifest.ts';
import { Int32, Text, TextMap, UInt32 } from '../../util/manifest-fields.ts';
import { atMostOne, forText, isPort, length, matching, required, ruled, within } from '../../util/manifest-rules.ts';

const seconds = ruled(Int32, within(0, Infinity)).exactOptional();
const port = ruled(UInt32, isPort).exactOptional();
const HttpGet = ruled(
  z.object({
    path: Text,
    port,
    host: Text,
    scheme: ruled(Text, forText((scheme) => (['', 'HTTP', 'HTTPS'].includes(scheme) ? undefined : 'must be HTTP or HTTPS'))),
    httpHeaders: z.array(z.object({ name: ruled(Text, matching(/^[-_A-Za-z0-9]+$/, 'a header name')), value: Text })).default([]),
  }),
  required('port'),
);

/** How a workload of a group is asked whether it is ready. Source: istio.io, ReadinessProbe. */
const ReadinessProbe = ruled(
  z.object({
    initialDelaySeconds: seconds,
    timeoutSeconds: seconds,
    periodSeconds: seconds,
    successThreshold: seconds,
    failureThreshold: seconds,
    httpGet: HttpGet.exactOptional(),
    tcpSocket: ruled(z.object({ host: Text, port }), required('port')).exactOptional(),
    exec: ruled(z.object({ command: z.array(ruled(z.string(), length({ min: 1 }))).default([]) }), required('command')).exactOptional(),
    grpc: z.object({ port, service: Text }).exactOptional(),
  }),
  atMostOne('httpGet', 'tcpSocket', 'exec', 'grpc'),
);

/** What workloads outside of Kubernetes have in common when they join. Source: istio.io, WorkloadGroup. */
export const WorkloadGroup = ruled(
  z.object({
    metadata: z.object({ labels: ruled(TextMap, length({ max: 256 })), annotations: ruled(TextMap, length({ max: 256 })) }).exactOptional(),
    template: WorkloadTemplate.exactOptional(),
    probe: ReadinessProbe.exactOptional(),
  }),
  required('template'),
);
export type WorkloadGroup = z.output<typeof WorkloadGroup>;
