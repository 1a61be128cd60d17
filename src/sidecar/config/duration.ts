/** Milliseconds of a Duration in proto3 JSON (`1.5s`); `otherwise` when it is not set or not a duration. */
export function durationMs(duration: string | undefined, otherwise: number): number {
  const match = duration === undefined ? null : /^(\d+(?:\.\d+)?)s$/.exec(duration);
  return match === null ? otherwise : Number(match[1]) * 1000;
}
