import type { Outcome } from '../../../../src/contract/index.ts';
import { outcomeColor, outcomes } from '../../../ui/outcome.tsx';
import type { Curve, Point } from './curve.ts';
import { DotModel, type DotChange, type DotRequest } from './dot-model.ts';
import type { DotMessage } from './dot-painter.ts';
import type { Surface } from './surface.ts';

/** What the layer needs of its surroundings; passed in, so that tests can play them. */
export interface DotSurroundings {
  /** Milliseconds on the clock that the painter has too. */
  now(): number;
  open(canvas: HTMLCanvasElement): Surface;
}

/** The page's side of the dots: knows where each is, to say what is under the pointer, and tells the painter. */
export class DotLayer {
  private readonly surroundings: DotSurroundings;
  private readonly model = new DotModel();
  private readonly curves = new Map<string, Curve>();
  private viewport = { x: 0, y: 0, zoom: 1 };
  private surface: Surface | undefined;

  constructor(surroundings: DotSurroundings) { this.surroundings = surroundings; }

  /** Lays a canvas over an element, as large as it and in its colours; returns how to take it away. */
  mount(element: HTMLElement, className: string): () => void {
    const canvas = document.createElement('canvas');
    canvas.className = className;
    canvas.setAttribute('aria-hidden', 'true');
    element.append(canvas);
    const surface = this.surroundings.open(canvas);
    this.surface = surface;
    const paint = (): void => surface.tell(paletteOf(element));
    const fit = new ResizeObserver(([entry]) => {
      if (entry !== undefined) surface.tell({ kind: 'size', width: entry.contentRect.width, height: entry.contentRect.height, ratio: window.devicePixelRatio });
    });
    const theme = new MutationObserver(paint);
    paint();
    fit.observe(element);
    theme.observe(document.documentElement, { attributeFilter: ['data-mantine-color-scheme'] });
    surface.tell({ kind: 'viewport', ...this.viewport });
    for (const [id, curve] of this.curves) surface.tell({ kind: 'edge', id, curve });
    return () => {
      fit.disconnect();
      theme.disconnect();
      surface.close();
      this.surface = undefined;
      canvas.remove();
    };
  }

  setEdge(id: string, curve: Curve): void {
    this.curves.set(id, curve);
    this.model.setEdge(id, curve);
    this.surface?.tell({ kind: 'edge', id, curve });
  }

  removeEdge(id: string): void {
    this.curves.delete(id);
    this.model.removeEdge(id);
    this.surface?.tell({ kind: 'no-edge', id });
  }

  /** The point half-way along an edge. */
  middle(id: string): Point | undefined { return this.model.middle(id); }

  setViewport(x: number, y: number, zoom: number): void {
    this.viewport = { x, y, zoom };
    this.surface?.tell({ kind: 'viewport', x, y, zoom });
  }

  /** The request that is selected is drawn larger. */
  highlight(key: string): void { this.surface?.tell({ kind: 'highlight', key }); }

  /** Takes in a batch of requests, and what later reports know better: one message to the painter, since each wakes its thread. */
  take(dots: readonly DotRequest[], changes: readonly DotChange[]): void {
    if (dots.length === 0 && changes.length === 0) return;
    this.model.advance(this.surroundings.now());
    this.model.take(dots, changes);
    this.surface?.tell({ kind: 'batch', dots, changes });
  }

  /** The request whose dot or mark is nearest to a place on the canvas, within `distance` CSS pixels. */
  hit(x: number, y: number, distance = 11): string | undefined {
    const { x: left, y: top, zoom } = this.viewport;
    return this.model.hit((x - left) / zoom, (y - top) / zoom, distance / zoom, this.surroundings.now());
  }
}

/** The colours that are in force on an element. */
function paletteOf(element: HTMLElement): DotMessage {
  const style = getComputedStyle(element);
  const color = (token: string): string => style.getPropertyValue(token).trim();
  return { kind: 'palette', palette: { ground: color('--ground'), colors: Object.fromEntries(outcomes.map(outcome => [outcome, color(outcomeColor[outcome])])) as Record<Outcome, string> } };
}
