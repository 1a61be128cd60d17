import { ActionIcon, Button, Tabs } from '@mantine/core';
import { IconRefresh, IconX } from '@tabler/icons-react';
import { lazy, Suspense, useState, type ReactNode } from 'react';
import { toLabError, type PodStatus } from '../../../src/contract/index.ts';
import { useApi, useLab, useLabName, useUiActions } from '../../lab/index.ts';
import { Fact, Facts, format, LoadingRows, Tip } from '../../ui/index.ts';
import { LogPanel } from './log-panel.tsx';
import { State, Sync } from './pod-table.tsx';
import { podKey } from './pods-view.tsx';
import styles from './pods.module.css';
import { ProxyConfigPanel } from './proxy-config-panel.tsx';

const TerminalPanel = lazy(async () => ({ default: (await import('./terminal-panel.tsx')).TerminalPanel }));

/** One pod: what it is, what it says, a terminal in it, what its proxy was told. */
export function PodDetail({ pod, close }: { readonly pod: PodStatus; readonly close: () => void }): ReactNode {
  const [tab, setTab] = useState<string>('logs');
  const hasProxy = pod.sidecar || pod.kind === 'gateway';
  return (
    <section className={styles.detail} aria-label={`Pod ${pod.name}`}>
      <header className={styles.detailHead}>
        <h2 className="mono">{pod.name}</h2>
        <State pod={pod} />
        <span className={styles.space} />
        <Restart pod={pod} />
        <Tip label="Close"><ActionIcon onClick={close} aria-label="Close"><IconX size={16} aria-hidden /></ActionIcon></Tip>
      </header>
      <Tabs value={tab} onChange={value => setTab(value ?? 'logs')} keepMounted={false} className={styles.tabs ?? ''}>
        <Tabs.List>
          <Tabs.Tab value="logs">Logs</Tabs.Tab>
          <Tabs.Tab value="terminal">Terminal</Tabs.Tab>
          {hasProxy && <Tabs.Tab value="config">Proxy config</Tabs.Tab>}
          <Tabs.Tab value="about">About</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="logs"><LogPanel pod={pod} /></Tabs.Panel>
        <Tabs.Panel value="terminal"><Suspense fallback={<LoadingRows />}><TerminalPanel pod={pod} /></Suspense></Tabs.Panel>
        <Tabs.Panel value="config"><ProxyConfigPanel proxy={podKey(pod)} /></Tabs.Panel>
        <Tabs.Panel value="about"><About pod={pod} /></Tabs.Panel>
      </Tabs>
    </section>
  );
}

function Restart({ pod }: { readonly pod: PodStatus }): ReactNode {
  const api = useApi();
  const lab = useLabName();
  const { announce } = useUiActions();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const restart = (): void => {
    setBusy(true);
    api.restart({ lab, pod: podKey(pod) }).then(() => announce(`${pod.name} restarts`), (cause: unknown) => setProblem(toLabError(cause).message)).finally(() => setBusy(false));
  };
  return (
    <Tip label={problem === '' ? 'Deletes its containers; its workload makes a new one' : problem}>
      <Button variant="default" loading={busy} data-problem={problem !== '' || undefined} leftSection={<IconRefresh size={14} aria-hidden />} onClick={restart}>Restart</Button>
    </Tip>
  );
}

function About({ pod }: { readonly pod: PodStatus }): ReactNode {
  const proxy = useLab(state => state.status?.proxies.find(each => each.proxy === podKey(pod)));
  return (
    <div className={styles.about}>
      <Facts>
        <Fact name="Workload" mono>{pod.workload}</Fact>
        <Fact name="Namespace" mono>{pod.namespace}</Fact>
        <Fact name="App" mono>{pod.app} {pod.version}</Fact>
        <Fact name="IP" mono copy={pod.ip}>{pod.ip}</Fact>
        <Fact name="Started">{format.clock(pod.started)}</Fact>
        <Fact name="Config"><Sync proxy={proxy} /></Fact>
        {proxy?.rejected !== undefined && <Fact name="Rejected">{proxy.rejected}. The last good config stays in force.</Fact>}
        {proxy !== undefined && <Fact name="Sent" mono>{proxy.sent}</Fact>}
        {proxy !== undefined && <Fact name="Acknowledged" mono>{proxy.acknowledged}</Fact>}
        {proxy !== undefined && proxy.certificateExpires > 0 && <Fact name="Certificate">until {new Date(proxy.certificateExpires).toLocaleString()}</Fact>}
        {pod.containers.map(container => (
          <Fact key={container.name} name={container.name} mono>{container.image}{container.standIn === undefined ? '' : ' (Weft’s stand-in runs)'}</Fact>
        ))}
      </Facts>
    </div>
  );
}
