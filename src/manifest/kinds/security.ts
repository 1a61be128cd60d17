import { z } from 'zod';
import { Int32, Text, WorkloadSelector } from '../../util/manifest-fields.ts';
import { length, ruled, within } from '../../util/manifest-rules.ts';

/** The environment of a proxy: the switches that the lab's have. Source: istio.io, "Environment variables" of pilot-agent. */
const switches = ruled(z.string(), length({ max: 2048 })).meta({ notRun: 'the lab’s sidecars have no such switch' });
/** Environment of proxies, as far as there are switches for it. */
export const ProxyEnvironment = z.object({ EXIT_ON_ZERO_ACTIVE_CONNECTIONS: z.string().exactOptional(), ISTIO_META_HTTP10: z.string().exactOptional() }).catchall(switches);

/** Source: istio.io, ProxyConfig. */
export const ProxyConfig = z.object({
  selector: WorkloadSelector.exactOptional(),
  concurrency: ruled(Int32, within(0, Infinity)).meta({ notRun: 'a sidecar of the lab is one thread' }).exactOptional(),
  environmentVariables: ProxyEnvironment.default({}),
  image: z.object({ imageType: Text }).meta({ notRun: 'the lab’s sidecars all run its own image' }).exactOptional(),
});
export type ProxyConfig = z.output<typeof ProxyConfig>;
