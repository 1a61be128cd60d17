import { z } from 'zod';
import { Text, UInt32 } from '../../util/manifest-fields.ts';

/** Sends the caller elsewhere. `redirectCode` 0 means 301. Source: istio.io, VirtualService, HTTPRedirect. */
export const HTTPRedirect = z
  .object({
    uri: Text,
    prefixRewrite: Text,
    authority: Text,
    port: UInt32.exactOptional(),
    derivePort: z.enum(['FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT']).exactOptional(),
    scheme: Text,
    redirectCode: UInt32.default(0),
  })
  .refine((redirect) => redirect.port === undefined || redirect.derivePort === undefined, 'only one of port and derivePort may be set');
export type HTTPRedirect = z.output<typeof HTTPRedirect>;
