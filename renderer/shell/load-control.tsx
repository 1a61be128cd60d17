import { Button, NumberInput, Popover, SegmentedControl, TextInput } from '@mantine/core';
import { IconChevronDown, IconPlayerPlayFilled, IconPlayerStopFilled } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { toLabError, type LoadStatus } from '../../src/contract/index.ts';
import { useApi, useLab, useLabName, useUiActions } from '../lab/index.ts';
import { format, Tip, useKeys } from '../ui/index.ts';
import styles from './load-control.module.css';
import shell from './shell.module.css';

const presets = ['5', '20', '40', '100', '200'];

/** Starts and stops the built-in traffic; the menu sets how much and where to. */
export function LoadControl(): ReactNode {
  const lab = useLabName();
  const api = useApi();
  const { announce } = useUiActions();
  const [chosen, setRps] = useState<number>();
  const load = useLab(state => state.load);
  // What was sent last is what is sent again.
  const rps = chosen ?? (load === undefined || load.rps === 0 ? 40 : load.rps);
  const ingressPath = useLab(state => state.status?.ingressPath ?? '/');
  const [path, setPath] = useState('');
  const [error, setError] = useState<string>();
  const [open, setOpen] = useState(false);
  const running = load?.running === true;
  const attempt = (work: Promise<unknown>, done: string): void => {
    setError(undefined);
    work.then(() => announce(done), (cause: unknown) => { setError(toLabError(cause).message); setOpen(true); });
  };
  const start = (rate = rps): void => attempt(api.load({ lab, rps: rate, ...(path === '' ? {} : { url: path }) }), `Traffic: ${rate} requests a second`);
  const stop = (): void => attempt(api.stopLoad({ lab }), 'Traffic stopped');
  const toggle = (): void => (running ? stop() : start());
  useKeys([{ key: 'g', title: 'Traffic generator on or off', group: 'Anywhere', run: () => { if (lab !== '') toggle(); } }]);
  if (lab === '') return null;
  const shown = running ? load.rps : rps;
  return (
    <div className={shell.split}>
      <Tip label={running ? 'Stop the traffic' : 'Send traffic through the ingress'} keys="g">
        <button type="button" className={shell.barItem} onClick={toggle} aria-pressed={running} aria-label={running ? `Stop traffic, ${format.rate(shown)} rps` : `Start traffic, ${format.rate(shown)} rps`}>
          {running ? <IconPlayerStopFilled size={13} className={shell.running} aria-hidden /> : <IconPlayerPlayFilled size={13} aria-hidden />}
          <span className={running ? undefined : shell.muted}>{format.rate(shown)} rps</span>
        </button>
      </Tip>
      <Popover opened={open} onChange={setOpen} position="bottom-start" width={300} trapFocus>
        <Popover.Target>
          <button type="button" className={shell.barItem} onClick={() => setOpen(!open)} aria-label="Traffic settings" aria-expanded={open}><IconChevronDown size={14} aria-hidden /></button>
        </Popover.Target>
        <Popover.Dropdown aria-label="Traffic settings" className={styles.menu ?? ''}>
          <span id="load-rate" className={styles.label}>Requests a second</span>
          <SegmentedControl aria-labelledby="load-rate" fullWidth data={presets} value={String(shown)} onChange={value => { setRps(Number(value)); if (running) start(Number(value)); }} />
          <NumberInput label="Other rate" min={0.1} max={2000} value={shown} onChange={value => { if (typeof value === 'number' && value >= 0.1) setRps(value); }} onBlur={() => { if (running && load.rps !== rps) start(rps); }} />
          <TextInput label="Path on the ingress" placeholder={load === undefined || load.url === '' ? ingressPath : load.url} value={path} onChange={event => setPath(event.currentTarget.value)} />
          {error !== undefined && <p role="alert" className={styles.error}>{error}</p>}
          {load !== undefined && load.sent > 0 && <LoadFigures load={load} />}
          <Button onClick={toggle} variant={running ? 'default' : 'filled'} fullWidth>{running ? 'Stop' : 'Start'}</Button>
        </Popover.Dropdown>
      </Popover>
    </div>
  );
}

function LoadFigures({ load }: { readonly load: LoadStatus }): ReactNode {
  return (
    <p className={styles.figures}>
      {load.sent.toLocaleString('en')} sent · {load.failed.toLocaleString('en')} failed · p50 {format.duration(load.p50)} · p99 {format.duration(load.p99)}
    </p>
  );
}
