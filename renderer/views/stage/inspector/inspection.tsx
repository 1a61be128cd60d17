import { ActionIcon } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useMemo, type ReactNode } from 'react';
import { useLab, useTraffic, useTrafficVersion, useUi, useUiActions } from '../../../lab/index.ts';
import { EmptyState, LoadingRows, Tip } from '../../../ui/index.ts';
import { IconGhost2 } from '@tabler/icons-react';
import { EdgePanel } from './edge-panel.tsx';
import styles from './inspector.module.css';
import { MeshPanel } from './mesh-panel.tsx';
import { NodePanel } from './node-panel.tsx';
import { RequestPanel } from './request-panel.tsx';

/** What is selected, inspected; the mesh as a whole when nothing is. */
export function Inspection(): ReactNode {
  const selection = useUi(state => state.selection);
  if (selection === undefined || selection.kind === 'mesh') return <MeshPanel />;
  if (selection.kind === 'request') return <RequestInspection id={selection.key} />;
  return <GraphInspection kind={selection.kind} id={selection.id} />;
}

function GraphInspection({ kind, id }: { readonly kind: 'node' | 'edge'; readonly id: string }): ReactNode {
  const graph = useLab(state => state.graph);
  const node = useMemo(() => graph?.nodes.find(each => each.id === id), [graph, id]);
  const edge = useMemo(() => graph?.edges.find(each => each.id === id), [graph, id]);
  if (graph === undefined) return <LoadingRows />;
  if (kind === 'node' && node !== undefined) return <NodePanel node={node} />;
  if (kind === 'edge' && edge !== undefined) return <EdgePanel edge={edge} />;
  return <><Title kind="Gone" name={id} /><EmptyState icon={IconGhost2} title="It is no longer in the graph">Nothing used it for a while, or its pods are gone.</EmptyState></>;
}

function RequestInspection({ id }: { readonly id: string }): ReactNode {
  const traffic = useTraffic();
  useTrafficVersion();
  const hop = traffic.find(id);
  if (hop === undefined) return <><Title kind="Request" name="" /><EmptyState icon={IconGhost2} title="This request is no longer kept">The last 5,000 requests are. Choose a newer one.</EmptyState></>;
  return <RequestPanel hop={hop} outcome={hop.outcome} reports={hop.others.length} />;
}

/** The head of an inspection, with the way back. */
export function Title({ kind, name, children }: { readonly kind: string; readonly name: ReactNode; readonly children?: ReactNode }): ReactNode {
  const { select } = useUiActions();
  return (
    <header className={styles.title}>
      <div className={styles.kind}>{kind}<Tip label="Close" keys="Escape"><ActionIcon size={22} aria-label="Close" onClick={() => select(undefined)}><IconX size={14} aria-hidden /></ActionIcon></Tip></div>
      {name !== '' && <h2>{name}</h2>}
      {children}
    </header>
  );
}
