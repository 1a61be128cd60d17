/** A point of the graph, in its own coordinates (not the screen's). */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The line of an edge: a cubic Bézier curve. The SVG edge and its dots share it. */
export interface Curve {
  readonly from: Point;
  readonly leave: Point;
  readonly arrive: Point;
  readonly to: Point;
}

/** How a line leaves its plain way, to pass what is in it. */
export interface Bend {
  /** In the graph's own pixels: down, or (less than 0) up. */
  readonly bow: number;
  /** 1 keeps to the height where it leaves for long, -1 goes to the height where it arrives at once, 0 does neither. */
  readonly lean: -1 | 0 | 1;
}

export const straight: Bend = { bow: 0, lean: 0 };

/** The curve from the right side of one card to the left side of another; lines that run backwards bow around. */
export function edgeCurve(from: Point, to: Point, { bow: bent, lean }: Bend = straight): Curve {
  const ahead = to.x - from.x;
  const reach = ahead >= 40 ? Math.max(36, ahead * 0.46) : 72 + Math.min(160, (40 - ahead) * 0.3);
  const bow = bent + (ahead >= 40 ? 0 : (Math.abs(to.y - from.y) < 60 ? 110 : 0));
  const [out, into] = ahead < 40 || lean === 0 ? [reach, reach] : lean > 0 ? [ahead * 0.9, Math.max(36, ahead * 0.2)] : [Math.max(36, ahead * 0.2), ahead * 0.9];
  return { from, leave: { x: from.x + out, y: from.y + bow }, arrive: { x: to.x - into, y: to.y + bow }, to };
}

/** The curve as an SVG path. */
export function curvePath({ from, leave, arrive, to }: Curve): string {
  const one = (value: number): string => String(Math.round(value * 10) / 10);
  return `M${one(from.x)} ${one(from.y)}C${one(leave.x)} ${one(leave.y)} ${one(arrive.x)} ${one(arrive.y)} ${one(to.x)} ${one(to.y)}`;
}

/** The point of the curve at its own parameter, 0 to 1. */
export function pointAt({ from, leave, arrive, to }: Curve, t: number): Point {
  const u = 1 - t;
  const [a, b, c, d] = [u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t];
  return { x: a * from.x + b * leave.x + c * arrive.x + d * to.x, y: a * from.y + b * leave.y + c * arrive.y + d * to.y };
}

/** Points at equal distances along a curve, x and y in turn: where a dot is at a share of its way costs one interpolation. */
export interface Track {
  readonly points: Float32Array;
  readonly length: number;
}

/** Samples a curve by arc length. */
export function track(curve: Curve, segments = 32): Track {
  const fine = segments * 4;
  const lengths = new Float32Array(fine + 1);
  const samples: Point[] = [curve.from];
  for (let index = 1; index <= fine; index += 1) {
    const point = pointAt(curve, index / fine);
    const last = samples[index - 1] as Point;
    samples.push(point);
    lengths[index] = (lengths[index - 1] as number) + Math.hypot(point.x - last.x, point.y - last.y);
  }
  const length = lengths[fine] as number;
  const points = new Float32Array((segments + 1) * 2);
  let at = 0;
  for (let index = 0; index <= segments; index += 1) {
    const wanted = (length * index) / segments;
    while (at < fine - 1 && (lengths[at + 1] as number) < wanted) at += 1;
    const [start, end] = [lengths[at] as number, lengths[at + 1] as number];
    const rest = end === start ? 0 : Math.min(1, (wanted - start) / (end - start));
    const [one, two] = [samples[at] as Point, samples[at + 1] as Point];
    points[index * 2] = one.x + (two.x - one.x) * rest;
    points[index * 2 + 1] = one.y + (two.y - one.y) * rest;
  }
  return { points, length };
}

/** Writes where a dot is after this share (0 to 1) of its way into `out`. */
export function along({ points }: Track, share: number, out: { x: number; y: number }): void {
  const segments = points.length / 2 - 1;
  const place = Math.max(0, Math.min(1, share)) * segments;
  const index = Math.min(segments - 1, Math.floor(place));
  const rest = place - index;
  const base = index * 2;
  const x = points[base] as number;
  const y = points[base + 1] as number;
  out.x = x + ((points[base + 2] as number) - x) * rest;
  out.y = y + ((points[base + 3] as number) - y) * rest;
}
