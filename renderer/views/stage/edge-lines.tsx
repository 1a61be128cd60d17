import { ViewportPortal } from '@xyflow/react';
import { memo, type ReactNode } from 'react';
import type { DotLayer } from './dots/dot-layer.ts';
import { EdgeLine, type Line } from './edge-line.tsx';
import styles from './edge-line.module.css';

/** All lines in one picture below the cards: what React Flow would draw as a picture for each costs a frame when there are many. */
export const EdgeLines = memo(function EdgeLines({ lines, layer, onOpen, onLook }: {
  readonly lines: readonly Line[]; readonly layer: DotLayer; readonly onOpen: (id: string) => void; readonly onLook: (id: string | undefined) => void;
}): ReactNode {
  return (
    <ViewportPortal>
      <svg className={styles.lines} role="group" aria-label="Connections">
        {lines.map(line => <EdgeLine key={line.id} line={line} layer={layer} onOpen={onOpen} onLook={onLook} />)}
      </svg>
    </ViewportPortal>
  );
});
