import { z } from 'zod';
import { Int32, PositiveDuration, Text } from '../../util/manifest-fields.ts';

/** How failed requests are tried again. `attempts: 0` turns retries off. Source: istio.io, VirtualService, HTTPRetry. */
export const HTTPRetry = z.object({
  attempts: Int32.default(0),
  perTryTimeout: PositiveDuration.exactOptional(),
  retryOn: Text,
  retryRemoteLocalities: z.boolean().exactOptional(),
  retryIgnorePreviousHosts: z.boolean().exactOptional(),
  backoff: PositiveDuration.exactOptional(),
});
export type HTTPRetry = z.output<typeof HTTPRetry>;
