import ELK from 'elkjs/lib/elk-api.js';
import { onlyCallers } from './callers.ts';
import type { Box } from './place.ts';

/** A layout engine: boxes without places in, places out. */
export interface Layout {
  arrange(boxes: ReadonlyMap<string, Pick<Box, 'width' | 'height'>>, edges: readonly { readonly id: string; readonly source: string; readonly target: string }[]): Promise<ReadonlyMap<string, Box>>;
  stop(): void;
}

const options = {
  'elk.algorithm': 'layered',
  'elk.direction': 'RIGHT',
  'elk.spacing.nodeNode': '40',
  'elk.spacing.componentComponent': '56',
  'elk.layered.spacing.nodeNodeBetweenLayers': '68',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  'elk.layered.crossingMinimization.strategy': 'LAYER_SWEEP',
  'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
  'elk.aspectRatio': '1.6',
};

const first = { 'elk.layered.layering.layerConstraint': 'FIRST' };

/** ELK in a worker of its own: a layout of any size costs no frame. */
export function elkLayout(): Layout {
  const worker = new Worker(new URL('./elk.worker.ts', import.meta.url), { type: 'module', name: 'layout' });
  const broken = new Promise<never>((_, reject) => { worker.addEventListener('error', event => reject(new Error(`The layout worker failed: ${event.message}`))); });
  broken.catch(() => undefined); // Whoever arranges hears of it.
  const elk = new ELK({ workerFactory: () => worker });
  return {
    arrange: async (boxes, edges) => {
      const known = edges.filter(({ source, target }) => source !== target && boxes.has(source) && boxes.has(target));
      const callers = onlyCallers(known);
      const result = await Promise.race([broken, elk.layout({
        id: 'root', layoutOptions: options,
        children: [...boxes].map(([id, { width, height }]) => ({ id, width, height, ...(callers.has(id) ? { layoutOptions: first } : {}) })),
        edges: known.map(({ id, source, target }) => ({ id, sources: [source], targets: [target] })),
      })]);
      return new Map((result.children ?? []).map(({ id, x = 0, y = 0, width = 0, height = 0 }) => [id, { x, y, width, height }]));
    },
    stop: () => elk.terminateWorker(),
  };
}
