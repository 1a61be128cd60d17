import { z } from 'zod';
import { Destination, Percent, UInt32 } from '../../util/manifest-fields.ts';
import { required, ruled } from '../../util/manifest-rules.ts';

/** One of several mirrors. `percentage` is 0 to 100; unset is all. Source: istio.io, VirtualService, HTTPMirrorPolicy. */
export const HTTPMirrorPolicy = ruled(z.object({ destination: Destination.exactOptional(), percentage: Percent.exactOptional() }), required('destination'));
export type HTTPMirrorPolicy = z.output<typeof HTTPMirrorPolicy>;

/** The fields of a rule that copy its requests elsewhere; `mirrorPercentage` goes before the older `mirrorPercent`, unset is all. */
export const mirrorFields = {
  mirror: Destination.exactOptional(),
  mirrorPercent: UInt32.exactOptional(),
  /** The field’s proto name, which Istio’s CRD knows too. */
  mirror_percent: UInt32.exactOptional(),
  mirrorPercentage: Percent.exactOptional(),
  mirrors: z.array(HTTPMirrorPolicy).default([]),
};
const MirrorFields = z.object(mirrorFields);
export type MirrorFields = z.output<typeof MirrorFields>;
