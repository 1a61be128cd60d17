import { ActionIcon } from '@mantine/core';
import { IconLayoutDistributeVertical, IconMaximize, IconMinus, IconPlus } from '@tabler/icons-react';
import { Panel, useReactFlow } from '@xyflow/react';
import { memo, type ReactNode } from 'react';
import { Tip, useKeys } from '../../ui/index.ts';
import { fitOptions } from './card-size.ts';
import styles from './graph-canvas.module.css';

/** Zoom, fit, arrange. */
export const GraphTools = memo(function GraphTools({ arrange }: { readonly arrange: () => void }): ReactNode {
  const { zoomIn, zoomOut, fitView } = useReactFlow();
  const fit = (): void => { void fitView({ ...fitOptions, duration: 160 }); };
  const again = (): void => { arrange(); setTimeout(fit, 250); };
  useKeys([
    { key: '+', title: 'Zoom in', group: 'Topology', run: () => { void zoomIn({ duration: 120 }); } },
    { key: '-', title: 'Zoom out', group: 'Topology', run: () => { void zoomOut({ duration: 120 }); } },
  ]);
  return (
    <Panel position="bottom-left" className={styles.tools ?? ''}>
      <Tip label="Zoom in" keys="+"><ActionIcon aria-label="Zoom in" onClick={() => void zoomIn({ duration: 120 })}><IconPlus size={15} aria-hidden /></ActionIcon></Tip>
      <Tip label="Zoom out" keys="-"><ActionIcon aria-label="Zoom out" onClick={() => void zoomOut({ duration: 120 })}><IconMinus size={15} aria-hidden /></ActionIcon></Tip>
      <Tip label="Fit the graph" keys="0"><ActionIcon aria-label="Fit the graph" onClick={fit}><IconMaximize size={15} aria-hidden /></ActionIcon></Tip>
      <Tip label="Arrange anew"><ActionIcon aria-label="Arrange anew" onClick={again}><IconLayoutDistributeVertical size={15} aria-hidden /></ActionIcon></Tip>
    </Panel>
  );
});
