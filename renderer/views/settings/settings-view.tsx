import { Button, Modal, SegmentedControl, useMantineColorScheme } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { toLabError } from '../../../src/contract/index.ts';
import { useApi, useLab, useLabName } from '../../lab/index.ts';
import { Fact, Facts, FailedState, Section } from '../../ui/index.ts';
import styles from './settings.module.css';
import { useImageChoice, type ImageChoice } from './preferences.ts';

const images: readonly { readonly value: ImageChoice; readonly label: string; readonly text: string }[] = [
  { value: 'auto', label: 'Automatic', text: 'Images are pulled when a registry answers; otherwise Weft’s stand-ins take the place of well-known sample images.' },
  { value: 'pull', label: 'Always pull', text: 'Every image is pulled. A lab does not start when a registry does not answer.' },
  { value: 'stand-in', label: 'Stand-ins', text: 'Well-known sample images are replaced by small servers of the same face that ship with Weft. Other images are pulled.' },
];

/** Appearance, where images come from, this lab, about. */
export function SettingsView(): ReactNode {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [choice, choose] = useImageChoice();
  return (
    <div className={styles.page}>
      <div className={styles.column}>
        <Section title="Appearance">
          <SegmentedControl
            aria-label="Theme" value={colorScheme} onChange={value => setColorScheme(value as 'auto' | 'light' | 'dark')}
            data={[{ value: 'auto', label: 'As the system' }, { value: 'light', label: 'Light' }, { value: 'dark', label: 'Dark' }]}
          />
        </Section>
        <Section title="Images of the next lab">
          <SegmentedControl aria-label="Images" value={choice} onChange={value => choose(value as ImageChoice)} data={images.map(({ value, label }) => ({ value, label }))} />
          <p className={styles.note}>{images.find(each => each.value === choice)?.text}</p>
        </Section>
        <ThisLab />
        <Section title="About">
          <Facts>
            <Fact name="Weft">The service-mesh lab on a desktop. Apache License 2.0.</Fact>
            <Fact name="Privacy">Nothing leaves this machine: no telemetry, no updates on its own, no account.</Fact>
            <Fact name="Names">Istio, Envoy and Kubernetes are marks of their owners. Weft contains none of their code.</Fact>
          </Facts>
        </Section>
      </div>
    </div>
  );
}

function ThisLab(): ReactNode {
  const lab = useLabName();
  const status = useLab(state => state.status);
  const [asking, setAsking] = useState(false);
  if (lab === '') return null;
  return (
    <Section title="This lab">
      <Facts>
        <Fact name="Name" mono>{lab}</Fact>
        {status !== undefined && <Fact name="Images">{status.images === 'pull' ? 'Pulled' : 'Stand-ins for sample images'}</Fact>}
        {status !== undefined && <Fact name="Ingress" mono copy={status.ingressUrl}>{status.ingressUrl === '' ? 'none' : status.ingressUrl}</Fact>}
        {status !== undefined && <Fact name="Config version" mono>{status.version}</Fact>}
      </Facts>
      <Button variant="default" color="red" className={styles.remove} onClick={() => setAsking(true)}>Remove this lab…</Button>
      {asking && <RemoveLab lab={lab} close={() => setAsking(false)} />}
    </Section>
  );
}

function RemoveLab({ lab, close }: { readonly lab: string; readonly close: () => void }): ReactNode {
  const api = useApi();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const remove = (): void => {
    setBusy(true);
    api.down({ lab }).then(close, (cause: unknown) => { setError(toLabError(cause)); setBusy(false); });
  };
  return (
    <Modal opened onClose={close} title={`Remove ${lab}?`}>
      <p className={styles.ask}>Its containers, network and volumes are removed, and the files that were edited in the lab with them. Files on your disk stay as they are.</p>
      {error !== undefined && <FailedState error={error} />}
      <div className={styles.buttons}>
        <Button variant="default" onClick={close}>Keep it</Button>
        <Button color="red" loading={busy} onClick={remove}>Remove</Button>
      </div>
    </Modal>
  );
}
