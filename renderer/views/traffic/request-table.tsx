import { useVirtualizer } from '@tanstack/react-virtual';
import { IconActivity, IconFilterOff } from '@tabler/icons-react';
import { Button } from '@mantine/core';
import { useCallback, useLayoutEffect, useRef, type KeyboardEvent, type ReactNode } from 'react';
import { useApi, useLab, useLabName, useUi, useUiActions, type Hop } from '../../lab/index.ts';
import { EmptyState } from '../../ui/index.ts';
import { RequestRow } from './request-row.tsx';
import styles from './traffic.module.css';
import { useHops } from './use-hops.ts';

const rowHeight = 28;

/** The live requests, newest first. Only the rows in sight are there; the place stays when new ones come. */
export function RequestTable({ wide }: { readonly wide: boolean }): ReactNode {
  const { hops, any } = useHops();
  const { select } = useUiActions();
  const selection = useUi(state => state.selection);
  const selectedKey = selection?.kind === 'request' ? selection.key : undefined;
  const scroller = useRef<HTMLDivElement>(null);
  const open = useCallback((key: string) => select({ kind: 'request', key }), [select]);
  const virtual = useVirtualizer({ count: hops.length, getScrollElement: () => scroller.current, estimateSize: () => rowHeight, overscan: 2 });
  useSteadyPlace(hops, scroller, () => virtual.scrollOffset ?? 0);
  const step = (event: KeyboardEvent, by: number): void => {
    const at = hops.findIndex(hop => hop.key === selectedKey);
    const next = hops[at === -1 ? 0 : Math.max(0, Math.min(hops.length - 1, at + by))];
    if (next === undefined) return;
    event.preventDefault();
    open(next.key);
    virtual.scrollToIndex(hops.indexOf(next), { align: 'auto' });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowDown') step(event, 1);
    else if (event.key === 'ArrowUp') step(event, -1);
    else if (event.key === 'PageDown') step(event, 10);
    else if (event.key === 'PageUp') step(event, -10);
  };
  const active = hops.find(hop => hop.key === selectedKey);
  return (
    <div className={styles.table} role="grid" aria-label="Requests" aria-rowcount={hops.length + 1}>
      <div role="rowgroup"><Head wide={wide} /></div>
      <div ref={scroller} className={styles.scroller} role="rowgroup" aria-label="Requests, newest first" tabIndex={0} onKeyDown={onKeyDown} aria-activedescendant={active === undefined ? undefined : `hop-${active.sequence}`}>
        {hops.length === 0
          ? <Nothing any={any} />
          : (
            <div className={styles.rows} style={{ height: virtual.getTotalSize() }} role="presentation">
              {/* Rows are keyed by place, not by request: at hundreds a second a row is rewritten, never made anew. */}
              {virtual.getVirtualItems().map(({ index, start }) => {
                const hop = hops[index];
                return hop === undefined ? null : <RequestRow key={index} hop={hop} outcome={hop.outcome} selected={hop.key === selectedKey} wide={wide} index={index} top={start} onOpen={open} />;
              })}
            </div>
          )}
      </div>
    </div>
  );
}

function Head({ wide }: { readonly wide: boolean }): ReactNode {
  const columns: readonly (readonly [string, string | undefined])[] = [
    ['Time', styles.time], ['Outcome', styles.outcome], ['From → to', styles.who], ['Request', styles.what], ['Code', styles.status], ['Flags', styles.flags], ['Took', styles.duration],
    ...(wide ? [['Bytes', styles.bytes] as const, ['mTLS', styles.mtls] as const] : []), ['Why', styles.why],
  ];
  return (
    <div role="row" aria-rowindex={1} className={styles.headRow} data-wide={wide || undefined}>
      {columns.map(([title, name]) => <span key={title} role="columnheader" className={name}>{title === 'Outcome' || title === 'Why' ? <span className="visually-hidden">{title}</span> : title}</span>)}
    </div>
  );
}

/** Away from the top, rows keep their place on the screen while new ones come above them. */
function useSteadyPlace(hops: readonly Hop[], scroller: React.RefObject<HTMLDivElement | null>, offset: () => number): void {
  const newest = useRef(hops[0]?.key);
  useLayoutEffect(() => {
    const element = scroller.current;
    const before = newest.current;
    newest.current = hops[0]?.key;
    // The offset that is remembered: asking the element would force a layout at each update.
    if (element === null || offset() < rowHeight || before === undefined) return;
    const added = hops.findIndex(hop => hop.key === before);
    if (added > 0) element.scrollTop += added * rowHeight;
  }, [hops, scroller]);
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
