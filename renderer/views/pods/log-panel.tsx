import { ActionIcon, Select, Switch, TextInput } from '@mantine/core';
import { IconFilter, IconTrash } from '@tabler/icons-react';
import { useEffect, useLayoutEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import type { PodStatus } from '../../../src/contract/index.ts';
import { CopyButton, FailedState, LoadingRows, Tip } from '../../ui/index.ts';
import { podKey } from './pods-view.tsx';
import styles from './pods.module.css';
import { useLog } from './use-log.ts';

/** What a container says, as it says it. */
export function LogPanel({ pod }: { readonly pod: PodStatus }): ReactNode {
  const names = [...pod.containers.map(container => container.name), ...(pod.sidecar || pod.kind === 'gateway' ? ['istio-proxy'] : [])].filter((name, index, all) => all.indexOf(name) === index);
  const [container, setContainer] = useState(names[0] ?? '');
  const [filter, setFilter] = useState('');
  const [follow, setFollow] = useState(true);
  const log = useLog(podKey(pod), container);
  const shown = useMemo(() => {
    const word = filter.toLowerCase();
    return word === '' ? log.lines : log.lines.filter(line => line.toLowerCase().includes(word));
  }, [log.lines, filter]);
  return (
    <div className={styles.panel}>
      <div className={styles.tools}>
        <Select aria-label="Container" data={names} value={container} onChange={value => setContainer(value ?? container)} allowDeselect={false} w={150} />
        <TextInput aria-label="Filter" placeholder="Filter" leftSection={<IconFilter size={14} aria-hidden />} value={filter} onChange={event => setFilter(event.currentTarget.value)} className={styles.grow ?? ''} />
        <Switch size="xs" label="Follow" checked={follow} onChange={event => setFollow(event.currentTarget.checked)} />
        <CopyButton text={shown.join('\n')} what="these lines" />
        <Tip label="Clear"><ActionIcon aria-label="Clear" onClick={log.clear}><IconTrash size={14} aria-hidden /></ActionIcon></Tip>
      </div>
      {log.error !== undefined ? <FailedState error={log.error} retry={log.again} /> : <Lines lines={shown} follow={follow} leave={() => setFollow(false)} ended={log.ended} loading={log.loading} filtered={filter !== ''} />}
    </div>
  );
}

interface LinesProps {
  readonly lines: readonly string[];
  readonly follow: boolean;
  readonly leave: () => void;
  readonly ended: boolean;
  readonly loading: boolean;
  readonly filtered: boolean;
}

function Lines({ lines, follow, leave, ended, loading, filtered }: LinesProps): ReactNode {
  const box = useRef<HTMLPreElement>(null);
  useLayoutEffect(() => {
    if (follow && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [lines, follow]);
  useEffect(() => {
    const element = box.current;
    // Reading what is further up is to stop following.
    const onWheel = (event: WheelEvent): void => { if (event.deltaY < 0) leave(); };
    element?.addEventListener('wheel', onWheel, { passive: true });
    return () => element?.removeEventListener('wheel', onWheel);
  }, [leave]);
  if (loading) return <LoadingRows rows={8} label="Opening the log" />;
  return (
    <pre ref={box} className={styles.log} tabIndex={0} aria-label="Log">
      {lines.length === 0 ? <span className={styles.muted}>{filtered ? 'No line has that.' : 'It has said nothing yet.'}</span> : lines.join('\n')}
      {ended && <span className={styles.muted}>{'\n'}— the log ends here —</span>}
    </pre>
  );
}
