import { NumberInput, Slider } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import type { ServiceSummary } from '../../../src/contract/index.ts';
import { SwitchChange } from '../switch-frame.tsx';
import styles from '../switch-frame.module.css';
import { useSwitch } from '../use-switch.ts';
import { currentWeights, sameWeights, setWeight, type Weights } from './weights.ts';

/** The share of requests that each version gets. Moving one slider moves the others, so that they always sum to 100. */
export function WeightsPanel({ service, written }: { readonly service: ServiceSummary; readonly written: Weights | undefined }): ReactNode {
  const now = currentWeights(service.versions, written);
  const [draft, setDraft] = useState<Weights>();
  const asked = draft !== undefined && !(written !== undefined && sameWeights(draft, now));
  const shown = draft ?? now;
  const clear = (): void => setDraft(undefined);
  const state = useSwitch(asked ? { kind: 'weights', host: service.host, namespace: service.namespace, weights: draft } : undefined, clear);
  return (
    <>
      <div className={styles.weights}>
        {service.versions.map(version => (
          <div key={version} className={styles.weight}>
            <span>{version}</span>
            <Slider size="sm" label={null} min={0} max={100} value={shown[version] ?? 0} onChange={value => setDraft(setWeight(shown, version, value))} thumbLabel={`Share of ${version} in per cent`} disabled={service.versions.length < 2} />
            <NumberInput aria-label={`Share of ${version}`} min={0} max={100} suffix=" %" hideControls value={shown[version] ?? 0} onChange={value => { if (typeof value === 'number') setDraft(setWeight(shown, version, value)); }} disabled={service.versions.length < 2} />
          </div>
        ))}
      </div>
      <SwitchChange state={state} asked={asked} onDiscard={clear} />
    </>
  );
}
