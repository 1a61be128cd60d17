import type { z } from 'zod';
import { PositiveDuration } from '../../util/manifest-fields.ts';

/** A rule's `timeout` in milliseconds; 0 or unset is no timeout. Source: istio.io, VirtualService, HTTPRoute.timeout. */
export const HTTPTimeout = PositiveDuration;
export type HTTPTimeout = z.output<typeof HTTPTimeout>;
