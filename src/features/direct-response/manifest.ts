import { z } from 'zod';
import { Base64, UInt32, chosen } from '../../util/manifest-fields.ts';
import { required, ruled } from '../../util/manifest-rules.ts';

/** The body of an answer that no service gave; `bytes` is base64. */
export type HTTPBody = { readonly kind: 'string' | 'bytes'; readonly value: string } | { readonly kind: 'none' };

const HTTPBody = z.object({ string: z.string().exactOptional(), bytes: Base64.exactOptional() }).transform((body, context): HTTPBody => {
  const set = chosen(body, ['string', 'bytes']);
  if (set.length > 1) context.addIssue({ code: 'custom', message: 'only one of string and bytes may be set' });
  const kind = set[0];
  return kind === undefined ? { kind: 'none' } : { kind, value: body[kind] ?? '' };
});

/** Answers without any service. Source: istio.io, VirtualService, HTTPDirectResponse. */
export const HTTPDirectResponse = ruled(z.object({ status: UInt32.default(0), body: HTTPBody.exactOptional() }), required('status'));
export type HTTPDirectResponse = z.output<typeof HTTPDirectResponse>;
