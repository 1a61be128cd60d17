import { z } from 'zod';
import { PositiveDuration, StringMatch, TextList } from '../../util/manifest-fields.ts';

/** Which pages of other origins may call. Source: istio.io, VirtualService, CorsPolicy. */
export const CorsPolicy = z.object({
  allowOrigin: TextList,
  allowOrigins: z.array(StringMatch).default([]),
  allowMethods: TextList,
  allowHeaders: TextList,
  exposeHeaders: TextList,
  maxAge: PositiveDuration.exactOptional(),
  allowCredentials: z.boolean().exactOptional(),
  unmatchedPreflights: z.enum(['UNSPECIFIED', 'FORWARD', 'IGNORE']).exactOptional(),
});
export type CorsPolicy = z.output<typeof CorsPolicy>;
