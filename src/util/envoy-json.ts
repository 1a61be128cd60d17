/** Values of Envoy’s config as the sidecar uses them. */

/** Milliseconds of a proto3 JSON duration (`1.5s`); `undefined` when there is none. */
export function milliseconds(duration: string | undefined): number | undefined {
  if (duration === undefined) return undefined;
  const seconds = Number.parseFloat(duration);
  return Number.isFinite(seconds) ? seconds * 1000 : undefined;
}

/** A FractionalPercent as a share in [0, 1]; absent means `otherwise`. */
export function share(percent: { readonly numerator?: number; readonly denominator?: 'HUNDRED' | 'TEN_THOUSAND' | 'MILLION' } | undefined, otherwise: number): number {
  if (percent === undefined) return otherwise;
  const denominator = percent.denominator === 'MILLION' ? 1_000_000 : percent.denominator === 'TEN_THOUSAND' ? 10_000 : 100;
  return (percent.numerator ?? 0) / denominator;
}
