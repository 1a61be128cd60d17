import { IconActivity, IconFilterOff } from '@tabler/icons-react';
import { Button } from '@mantine/core';
import { useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode, type RefObject } from 'react';
import { useApi, useLab, useLabName, useTraffic, useUi, useUiActions } from '../../lab/index.ts';
import { EmptyState, format } from '../../ui/index.ts';
import { parseFilter } from './filter.ts';
import { extend, type HopList } from './hop-list.ts';
import { RowList } from './row-list.ts';
import styles from './traffic.module.css';

/** How many rows each key steps. */
const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 };

/** The live requests, newest first. The rows are written outside of React; only the frame around them is rendered. */
export function RequestTable({ wide }: { readonly wide: boolean }): ReactNode {
  const grid = useRef<HTMLDivElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const note = useRef<HTMLParagraphElement>(null);
  const { select } = useUiActions();
  const { shown, list } = useRows({ grid, scroller, box, note }, wide);
  const onKeyDown = (event: KeyboardEvent): void => {
    const by = steps[event.key];
    const hop = by === undefined ? undefined : list.current?.step(by);
    if (hop === undefined) return;
    event.preventDefault();
    select({ kind: 'request', key: hop.key });
  };
  return (
    <div ref={grid} className={styles.table} role="grid" aria-label="Requests">
      <div role="rowgroup" className={styles.headGroup}><Head wide={wide} /></div>
      <div ref={scroller} className={styles.scroller} role="rowgroup" aria-label="Requests, newest first" tabIndex={0} onKeyDown={onKeyDown}>
        {shown !== 'rows' && <Nothing any={shown === 'filtered'} />}
        <div ref={box} className={styles.rows} role="presentation" />
      </div>
      <p ref={note} className={styles.note} hidden />
    </div>
  );
}

interface Parts { readonly grid: RefObject<HTMLDivElement | null>; readonly scroller: RefObject<HTMLDivElement | null>; readonly box: RefObject<HTMLDivElement | null>; readonly note: RefObject<HTMLParagraphElement | null> }

/** Keeps the rows in step with the requests that pass the filter at hand; they stand still while paused, and under the pointer, so that a row can be hit. */
function useRows({ grid, scroller, box, note }: Parts, wide: boolean): { readonly shown: 'rows' | 'filtered' | 'none'; readonly list: RefObject<RowList | undefined> } {
  const traffic = useTraffic();
  const text = useUi(state => state.filter);
  const outcomes = useUi(state => state.outcomes);
  const paused = useUi(state => state.paused);
  const selected = useUi(({ selection }) => selection?.kind === 'request' ? selection.key : undefined);
  const { select } = useUiActions();
  const filter = useMemo(() => parseFilter(text, outcomes), [text, outcomes]);
  const list = useRef<RowList>(undefined);
  const [shown, setShown] = useState<'rows' | 'filtered' | 'none'>('none');
  useLayoutEffect(() => {
    if (scroller.current === null || box.current === null) return undefined;
    const rows = new RowList({ scroller: scroller.current, box: box.current, wide, onOpen: key => select({ kind: 'request', key }) });
    list.current = rows;
    return () => rows.stop();
  }, [scroller, box, wide, select]);
  useLayoutEffect(() => {
    const element = scroller.current;
    let kept: HopList | undefined;
    let pointed = false;
    const take = (): void => {
      if ((paused || pointed) && kept !== undefined && traffic.ring.total >= kept.upTo) {
        if (!paused && note.current !== null) { note.current.textContent = `${format.count(traffic.ring.total - kept.upTo, 'new request')} · the list waits for your pointer`; note.current.hidden = false; }
        return;
      }
      kept = extend(traffic.ring, filter, kept);
      list.current?.show(kept.hops);
      if (note.current !== null) note.current.hidden = true;
      grid.current?.setAttribute('aria-rowcount', String(kept.hops.length + 1));
      setShown(kept.hops.length > 0 ? 'rows' : traffic.ring.total > 0 ? 'filtered' : 'none');
    };
    const point = ({ pointerType }: PointerEvent): void => { pointed = pointerType === 'mouse'; };
    const leave = (): void => { pointed = false; take(); };
    take();
    element?.addEventListener('pointermove', point);
    element?.addEventListener('pointerleave', leave);
    const stop = traffic.subscribe(take);
    return () => {
      stop();
      element?.removeEventListener('pointermove', point);
      element?.removeEventListener('pointerleave', leave);
    };
  }, [traffic, filter, paused, wide, grid, scroller, note]);
  useLayoutEffect(() => list.current?.select(selected), [selected, wide]);
  return { shown, list };
}

function Head({ wide }: { readonly wide: boolean }): ReactNode {
  const columns: readonly (readonly [string, string | undefined])[] = [
    ['Time', styles.time], ['Outcome', styles.outcome], ['From → to', styles.who], ['Request', styles.what], ['Code', styles.status], ['Flags', styles.flags], ['Took', styles.duration],
    ...(wide ? [['Bytes', styles.bytes] as const, ['mTLS', styles.mtls] as const] : []), ['Why', styles.why],
  ];
  return (
    <div role="row" aria-rowindex={1} className={styles.headRow} data-wide={wide || undefined}>
      {columns.map(([title, name]) => <span key={title} role="columnheader" className={name} title={title === 'Time' ? 'When the request began. The list is in the order in which requests ended.' : undefined}>{title === 'Outcome' || title === 'Why' ? <span className="visually-hidden">{title}</span> : title}</span>)}
    </div>
  );
}

function Nothing({ any }: { readonly any: boolean }): ReactNode {
  const { setFilter, toggleOutcome } = useUiActions();
  const outcomes = useUi(state => state.outcomes);
  const lab = useLabName();
  const api = useApi();
  const { announce } = useUiActions();
  const running = useLab(state => state.load?.running === true);
  if (any) {
    const clear = (): void => { setFilter(''); for (const outcome of outcomes) toggleOutcome(outcome); };
    return <div role="row"><div role="gridcell"><EmptyState icon={IconFilterOff} title="No request passes the filter" action={<Button variant="default" onClick={clear}>Clear the filter</Button>} /></div></div>;
  }
  const start = (): void => { api.load({ lab, rps: 20 }).catch((error: unknown) => announce(String(error))); };
  return (
    <div role="row"><div role="gridcell">
      <EmptyState icon={IconActivity} title={running ? 'Waiting for the first request' : 'No traffic yet'} action={running ? undefined : <Button onClick={start}>Send 20 requests a second</Button>}>
        {running ? 'Requests appear here a moment after they end.' : 'Every request in the mesh shows up here, with the reason for its outcome.'}
      </EmptyState>
    </div></div>
  );
}
