import { IconStack2 } from '@tabler/icons-react';
import { useEffect, useState, type ReactNode } from 'react';
import type { PodStatus } from '../../../src/contract/index.ts';
import { useLab, useUi, useUiActions } from '../../lab/index.ts';
import { EmptyState, LoadingRows } from '../../ui/index.ts';
import { PodDetail } from './pod-detail.tsx';
import { PodTable } from './pod-table.tsx';
import styles from './pods.module.css';

/** `namespace/name`, as everywhere. */
export const podKey = (pod: Pick<PodStatus, 'namespace' | 'name'>): string => `${pod.namespace}/${pod.name}`;

/** Every pod with its state and that of its proxy; one of them in detail: logs, terminal, config. */
export function PodsView(): ReactNode {
  const pods = useLab(state => state.status?.pods);
  const target = useUi(state => state.podTarget);
  const { show } = useUiActions();
  const [selected, setSelected] = useState<string>();
  useEffect(() => { if (target !== undefined) setSelected(target); }, [target]);
  if (pods === undefined) return <LoadingRows rows={10} label="Loading pods" />;
  if (pods.length === 0) {
    return (
      <EmptyState icon={IconStack2} title="This lab has no pods" action={<button type="button" className={styles.link} onClick={() => show('manifests')}>Open the manifests</button>}>
        A Deployment or a Pod among its manifests starts some.
      </EmptyState>
    );
  }
  const pod = pods.find(each => podKey(each) === selected);
  return (
    <div className={styles.page} data-split={pod !== undefined || undefined}>
      <div className={styles.list}><PodTable pods={pods} selected={selected} select={setSelected} /></div>
      {pod !== undefined && <PodDetail key={podKey(pod)} pod={pod} close={() => setSelected(undefined)} />}
    </div>
  );
}
