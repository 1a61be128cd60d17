import { IconExternalLink } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { MtlsPanel } from '../../../features/index.ts';
import { useLab, useUi, useUiActions } from '../../../lab/index.ts';
import { faultWords, shortHost } from '../../../lab/words.ts';
import { Fact, Facts, format, LoadingRows, OutcomeGlyph, Section } from '../../../ui/index.ts';
import { Title } from './inspection.tsx';
import styles from './inspector.module.css';

/** The mesh as a whole: where it is reached, who has the config, mTLS, faults, findings. */
export function MeshPanel(): ReactNode {
  const status = useLab(state => state.status);
  const asked = useUi(state => state.selection !== undefined);
  if (status === undefined) return <LoadingRows />;
  const namespaces = [...new Set(status.services.map(service => service.namespace))].sort();
  return (
    <>
      {asked ? <Title kind="Mesh" name={status.name} /> : <header className={styles.title}><div className={styles.kind}>Mesh</div><h2>{status.name}</h2></header>}
      <Section title="Reach it">
        <Facts>
          <Fact name="Ingress" copy={status.ingressUrl}>{status.ingressUrl === '' ? 'no gateway yet' : <a href={new URL(status.ingressPath, status.ingressUrl).href} target="_blank" rel="noreferrer">{status.ingressUrl} <IconExternalLink size={12} aria-hidden /></a>}</Fact>
          <Fact name="Pods">{status.pods.filter(pod => pod.ready).length} of {status.pods.length} ready</Fact>
          <Fact name="Config"><ConfigState /></Fact>
          <Fact name="Images">{status.images === 'stand-in' ? 'stand-ins for the sample images' : 'pulled'}</Fact>
        </Facts>
      </Section>
      <Section title="mTLS"><MtlsPanel namespaces={namespaces} /></Section>
      <Faults />
      <Findings />
      <Section title="Next"><p className={styles.hint}>Click a service to route, break or secure it; a line for both identities; a dot for the request that it is.</p></Section>
    </>
  );
}

function ConfigState(): ReactNode {
  const version = useLab(state => state.status?.version ?? '');
  const proxies = useLab(state => state.status?.proxies ?? []);
  const connected = proxies.filter(proxy => proxy.connected);
  const have = connected.filter(proxy => proxy.acknowledged === version).length;
  const away = proxies.length - connected.length;
  return <>{have === connected.length ? `all ${have} proxies have it` : `${have} of ${connected.length} proxies have it`}{away > 0 ? `, ${away} away` : ''}</>;
}

function Faults(): ReactNode {
  const faults = useLab(state => state.status?.switches.faults ?? []);
  const { select } = useUiActions();
  const nodes = useLab(state => state.graph?.nodes ?? []);
  if (faults.length === 0) return null;
  return (
    <Section title="Faults">
      <ul className={styles.links}>
        {faults.map(fault => {
          const name = shortHost(fault.host);
          const node = nodes.find(each => each.name === fault.host.split('.')[0]);
          return (
            <li key={`${fault.namespace}/${fault.host}`}>
              <button type="button" className={styles.link} disabled={node === undefined} onClick={() => { if (node !== undefined) select({ kind: 'node', id: node.id }); }}>
                <span><OutcomeGlyph outcome="fault" label={false} size={11} /> {name}</span><span>{faultWords(fault)}</span>
              </button>
            </li>
          );
        })}
      </ul>
    </Section>
  );
}

function Findings(): ReactNode {
  const diagnostics = useLab(state => state.status?.diagnostics ?? []);
  const { openFile } = useUiActions();
  const serious = diagnostics.filter(each => each.level !== 'info');
  if (serious.length === 0) return null;
  return (
    <Section title={format.count(serious.length, 'finding')}>
      <ul className={styles.links}>
        {serious.slice(0, 8).map((each, index) => (
          <li key={index}>
            <button type="button" className={styles.link} title={each.message} onClick={() => openFile(each.file, each.line)}>
              <span><OutcomeGlyph outcome={each.level === 'error' ? 'server-error' : 'client-error'} label={false} size={10} /> {each.message}</span><span>{each.code}</span>
            </button>
          </li>
        ))}
      </ul>
    </Section>
  );
}
