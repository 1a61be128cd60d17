import { z } from 'zod';
import type { PodRegistration } from '../../contract/index.ts';
import type { SourceFile } from '../../manifest/index.ts';

/** Everything that a control plane must not forget when its container is started again. */
export interface StoredState {
  readonly format: 1;
  /** Counts changes; the lab's version. */
  readonly version: number;
  readonly files: readonly SourceFile[];
  readonly pods: readonly PodRegistration[];
  readonly virtualIpCidr: string;
  readonly virtualIps: Readonly<Record<string, string>>;
  /** `Kind namespace/name` → when it was applied first, as a count: the older of two resources wins. */
  readonly ages: Readonly<Record<string, number>>;
  /** `namespace/pod` → what its proxy said last. */
  readonly readiness: Readonly<Record<string, { readonly ready: boolean; readonly message?: string }>>;
  /** `namespace/pod/container` → restarts by its probes. */
  readonly restarts: Readonly<Record<string, number>>;
}

/** A control plane that has seen nothing yet. */
export const emptyState: StoredState = { format: 1, version: 0, files: [], pods: [], virtualIpCidr: '', virtualIps: {}, ages: {}, readiness: {}, restarts: {} };

const labels = z.record(z.string(), z.string());

/** A registration as core sends it. */
export const podSchema: z.ZodType<PodRegistration> = z.looseObject({
  name: z.string(), namespace: z.string(), ip: z.string(), serviceAccount: z.string(), workload: z.string(), tokenHash: z.string(),
  kind: z.enum(['workload', 'gateway']), sidecar: z.boolean(), ready: z.boolean(), labels, annotations: labels,
  ports: z.array(z.strictObject({ name: z.string().exactOptional(), port: z.number(), protocol: z.enum(['TCP', 'UDP']) })),
});

/** A manifest file as core sends it. */
export const sourceFileSchema: z.ZodType<SourceFile> = z.strictObject({ path: z.string(), text: z.string(), namespace: z.string().exactOptional() });

/** What a state file must look like; anything else counts as unreadable. */
export const storedStateSchema: z.ZodType<StoredState> = z.object({
  format: z.literal(1),
  version: z.number().int().min(0),
  files: z.array(sourceFileSchema),
  pods: z.array(podSchema),
  virtualIpCidr: z.string(),
  virtualIps: z.record(z.string(), z.string()),
  ages: z.record(z.string(), z.number()),
  readiness: z.record(z.string(), z.strictObject({ ready: z.boolean(), message: z.string().exactOptional() })),
  restarts: z.record(z.string(), z.number()).default({}),
});
