import type { Outcome } from '../../../../src/contract/index.ts';
import { outcomes, outcomeShape } from '../../../ui/outcome-shapes.ts';

/** The colours of the theme at hand. */
export interface Palette {
  readonly ground: string;
  readonly colors: Readonly<Record<Outcome, string>>;
}

/** Every outcome's dot and mark drawn once, so that a frame only copies pictures. */
export interface Sprites {
  readonly picture: HTMLCanvasElement | OffscreenCanvas;
  /** Edge of one picture, in device pixels. */
  readonly cell: number;
  /** Column of each outcome; row 0 dots, row 1 marks. */
  readonly column: Readonly<Record<Outcome, number>>;
}

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** CSS pixels of a picture: the shape with room for its halo. */
export const spriteSize = 20;

/** Draws the pictures in these colours. */
export function drawSprites({ ground, colors }: Palette, pixelRatio: number, createCanvas: (width: number, height: number) => HTMLCanvasElement | OffscreenCanvas): Sprites {
  const cell = Math.ceil(spriteSize * pixelRatio);
  const picture = createCanvas(cell * outcomes.length, cell * 2);
  const context = picture.getContext('2d') as Context | null;
  if (context === null) throw new Error('This browser has no 2D canvas.');
  outcomes.forEach((outcome, column) => {
    const brush = { outcome, color: colors[outcome], surface: ground, x: column * cell, cell };
    paint(context, { ...brush, y: 0, size: 8.5 });
    paint(context, { ...brush, y: cell, size: 14 });
  });
  const column = Object.fromEntries(outcomes.map((outcome, index) => [outcome, index])) as Record<Outcome, number>;
  return { picture, cell, column };
}

interface Brush { readonly outcome: Outcome; readonly color: string; readonly surface: string; readonly x: number; readonly y: number; readonly cell: number; readonly size: number }

function paint(context: Context, { outcome, color, surface, x, y, cell, size }: Brush): void {
  const scale = (size / 12) * (cell / spriteSize);
  const margin = (cell - 12 * scale) / 2;
  context.setTransform(scale, 0, 0, scale, x + margin, y + margin);
  const shape = new Path2D(outcomeShape[outcome]);
  // A rim in the ground's colour keeps dots apart from their line and from each other.
  context.lineWidth = 2.6;
  context.lineJoin = 'round';
  context.strokeStyle = surface;
  context.stroke(shape);
  context.fillStyle = color;
  context.fill(shape, 'evenodd');
}
