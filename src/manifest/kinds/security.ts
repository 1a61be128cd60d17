import { z } from 'zod';
import { Int32, Text, WorkloadSelector } from '../../util/manifest-fields.ts';
import { length, ruled, within } from '../../util/manifest-rules.ts';

/** Source: istio.io, ProxyConfig. */
export const ProxyConfig = z.object({
  selector: WorkloadSelector.exactOptional(),
  concurrency: ruled(Int32, within(0, Infinity)).meta({ notRun: 'a sidecar of the lab is one thread' }).exactOptional(),
  environmentVariables: z.record(z.string(), ruled(z.string(), length({ max: 2048 }))).meta({ notRun: 'the lab’s sidecars have no such switches' }).default({}),
  image: z.object({ imageType: Text }).meta({ notRun: 'the lab’s sidecars all run its own image' }).exactOptional(),
});
export type ProxyConfig = z.output<typeof ProxyConfig>;
