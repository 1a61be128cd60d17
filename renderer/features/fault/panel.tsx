import { NumberInput, Switch } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import type { ServiceSummary, SwitchAction, Switches } from '../../../src/contract/index.ts';
import { SwitchChange } from '../switch-frame.tsx';
import styles from '../switch-frame.module.css';
import { useSwitch } from '../use-switch.ts';

type Fault = Pick<Switches['faults'][number], 'delay' | 'abort'>;

const usualDelay = { milliseconds: 2000, percent: 50 };
const usualAbort = { status: 500, percent: 50 };

/** Breaks a service on purpose: holds requests to it back, or answers them with an error. */
export function FaultPanel({ service, active }: { readonly service: ServiceSummary; readonly active: Fault | undefined }): ReactNode {
  const [draft, setDraft] = useState<Fault>();
  const shown = draft ?? active ?? {};
  const asked = draft !== undefined && !sameFault(draft, active ?? {});
  const clear = (): void => setDraft(undefined);
  const action: SwitchAction | undefined = asked ? { kind: 'fault', host: service.host, namespace: service.namespace, ...draft } : undefined;
  const state = useSwitch(action, clear);
  const delay = shown.delay ?? usualDelay;
  const abort = shown.abort ?? usualAbort;
  return (
    <>
      <div className={styles.fault}>
        <div className={styles.faultRow} data-off={shown.delay === undefined || undefined}>
          <Switch size="xs" label="Delay" checked={shown.delay !== undefined} onChange={event => setDraft(event.currentTarget.checked ? { ...shown, delay } : without(shown, 'delay'))} />
          <NumberInput aria-label="Delay in seconds" min={0.001} max={3600} step={0.5} suffix=" s" hideControls value={delay.milliseconds / 1000} onChange={value => { if (typeof value === 'number' && value > 0) setDraft({ ...shown, delay: { ...delay, milliseconds: Math.round(value * 1000) } }); }} />
          <span className={styles.unit}>at</span>
          <Percent what="Delay" value={delay.percent} onChange={percent => setDraft({ ...shown, delay: { ...delay, percent } })} />
        </div>
        <div className={styles.faultRow} data-off={shown.abort === undefined || undefined}>
          <Switch size="xs" label="Abort" checked={shown.abort !== undefined} onChange={event => setDraft(event.currentTarget.checked ? { ...shown, abort } : without(shown, 'abort'))} />
          <NumberInput aria-label="Status of aborted requests" min={200} max={599} allowDecimal={false} hideControls value={abort.status} onChange={value => { if (typeof value === 'number' && value >= 200 && value <= 599) setDraft({ ...shown, abort: { ...abort, status: value } }); }} />
          <span className={styles.unit}>at</span>
          <Percent what="Abort" value={abort.percent} onChange={percent => setDraft({ ...shown, abort: { ...abort, percent } })} />
        </div>
      </div>
      <SwitchChange state={state} asked={asked} onDiscard={clear} />
    </>
  );
}

function Percent({ what, value, onChange }: { readonly what: string; readonly value: number; readonly onChange: (value: number) => void }): ReactNode {
  return <NumberInput aria-label={`${what}: share of requests`} min={0} max={100} suffix=" %" hideControls value={value} onChange={next => { if (typeof next === 'number') onChange(Math.max(0, Math.min(100, next))); }} />;
}

function without(fault: Fault, key: keyof Fault): Fault {
  const { [key]: _gone, ...rest } = fault;
  return rest;
}

/** True when two faults say the same. */
export function sameFault(one: Fault, two: Fault): boolean {
  return one.delay?.milliseconds === two.delay?.milliseconds && one.delay?.percent === two.delay?.percent && one.abort?.status === two.abort?.status && one.abort?.percent === two.abort?.percent;
}
