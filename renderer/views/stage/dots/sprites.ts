import type { Outcome } from '../../../../src/contract/index.ts';
import { outcomeColor, outcomes, outcomeShape } from '../../../ui/outcome.tsx';

/** Every outcome's dot and mark drawn once, so that a frame only copies pictures. */
export interface Sprites {
  readonly picture: HTMLCanvasElement;
  /** Edge of one picture, in device pixels. */
  readonly cell: number;
  /** Column of each outcome; row 0 dots, row 1 marks. */
  readonly column: Readonly<Record<Outcome, number>>;
}

/** CSS pixels of a picture: the shape with room for its halo. */
export const spriteSize = 20;

/** Draws the pictures in the colours that are in force now. */
export function drawSprites(style: CSSStyleDeclaration, pixelRatio: number): Sprites {
  const cell = Math.ceil(spriteSize * pixelRatio);
  const picture = document.createElement('canvas');
  picture.width = cell * outcomes.length;
  picture.height = cell * 2;
  const context = picture.getContext('2d');
  if (context === null) throw new Error('This browser has no 2D canvas.');
  const surface = style.getPropertyValue('--ground').trim();
  outcomes.forEach((outcome, column) => {
    const color = style.getPropertyValue(outcomeColor[outcome]).trim();
    paint(context, { outcome, color, surface, x: column * cell, y: 0, cell, size: 8.5 });
    paint(context, { outcome, color, surface, x: column * cell, y: cell, cell, size: 14 });
  });
  const column = Object.fromEntries(outcomes.map((outcome, index) => [outcome, index])) as Record<Outcome, number>;
  return { picture, cell, column };
}

interface Brush { readonly outcome: Outcome; readonly color: string; readonly surface: string; readonly x: number; readonly y: number; readonly cell: number; readonly size: number }

function paint(context: CanvasRenderingContext2D, { outcome, color, surface, x, y, cell, size }: Brush): void {
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
