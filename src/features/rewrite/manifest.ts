import { z } from 'zod';
import { Text } from '../../util/manifest-fields.ts';

/** Changes path or authority before forwarding. Source: istio.io, VirtualService, HTTPRewrite. */
export const HTTPRewrite = z.object({
  uri: Text,
  authority: Text,
  uriRegexRewrite: z.object({ match: Text, rewrite: Text }).exactOptional(),
});
export type HTTPRewrite = z.output<typeof HTTPRewrite>;
