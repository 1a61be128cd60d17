import { Button } from '@mantine/core';
import { IconTopologyStar3 } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useApi, useLab, useLabName, useUiActions } from '../../lab/index.ts';
import { EmptyState, LoadingRows } from '../../ui/index.ts';
import { RequestTable } from '../traffic/request-table.tsx';
import { TrafficBar } from '../traffic/traffic-bar.tsx';
import { GraphCanvas } from './graph-canvas.tsx';
import { Splitter } from './splitter.tsx';
import styles from './stage-view.module.css';

/** The live graph with the stream below it. */
export function StageView(): ReactNode {
  return (
    <Splitter
      name="stream" label="Height of the request stream" initial={208} min={96}
      above={<Graph />}
      below={<div className={styles.stream}><TrafficBar /><RequestTable wide={false} /></div>}
    />
  );
}

function Graph(): ReactNode {
  const lab = useLabName();
  const graph = useLab(state => state.graph);
  const phase = useLab(state => state.status?.phase);
  if (graph === undefined) return phase === 'stopped' || phase === 'failed' ? <NotRunning /> : <LoadingRows label="Loading the graph" />;
  if (graph.nodes.length === 0) return <NoNodes />;
  return <GraphCanvas key={lab} graph={graph} />;
}

function NotRunning(): ReactNode {
  const message = useLab(state => state.status?.message);
  const { show } = useUiActions();
  return <EmptyState icon={IconTopologyStar3} title="This lab is not running" action={<Button variant="default" onClick={() => show('pods')}>See its pods</Button>}>{message ?? 'Start it to see its services here.'}</EmptyState>;
}

function NoNodes(): ReactNode {
  const lab = useLabName();
  const api = useApi();
  const { announce, show } = useUiActions();
  const hasPods = useLab(state => (state.status?.pods.length ?? 0) > 0);
  const start = (): void => { api.load({ lab, rps: 20 }).catch((error: unknown) => announce(String(error))); };
  return hasPods
    ? <EmptyState icon={IconTopologyStar3} title="No service yet" action={<Button onClick={start}>Send 20 requests a second</Button>}>Services appear as soon as their pods are there; lines appear with the first request.</EmptyState>
    : <EmptyState icon={IconTopologyStar3} title="This lab has no pods" action={<Button variant="default" onClick={() => show('manifests')}>Open the manifests</Button>}>Apply a Deployment and a Service, and they show up here.</EmptyState>;
}
