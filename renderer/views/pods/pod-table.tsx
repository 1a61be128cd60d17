import { IconAlertTriangle, IconCircleCheck, IconCircleDashed, IconCircleX, IconPlugConnectedX } from '@tabler/icons-react';
import type { KeyboardEvent, ReactNode } from 'react';
import type { ContainerStatus, PodStatus, ProxyStatus } from '../../../src/contract/index.ts';
import { useLab } from '../../lab/index.ts';
import { format, Tip } from '../../ui/index.ts';
import { podKey } from './pods-view.tsx';
import styles from './pods.module.css';

interface Props {
  readonly pods: readonly PodStatus[];
  readonly selected: string | undefined;
  readonly select: (pod: string) => void;
}

/** One row a pod. Arrows move, Enter opens. */
export function PodTable({ pods, selected, select }: Props): ReactNode {
  const proxies = useLab(state => state.status?.proxies ?? []);
  const heard = useLab(state => state.heard);
  const sorted = [...pods].sort((one, two) => one.kind.localeCompare(two.kind) || podKey(one).localeCompare(podKey(two)));
  return (
    <table className={styles.table} aria-label="Pods">
      <thead><tr><th scope="col">Pod</th><th scope="col">State</th><th scope="col">Containers</th><th scope="col" className={styles.number}>Restarts</th><th scope="col">Config</th><th scope="col" className={styles.number}>Age</th></tr></thead>
      <tbody onKeyDown={moveRow}>
        {sorted.map(pod => {
          const key = podKey(pod);
          return (
            <tr key={key} tabIndex={0} aria-selected={key === selected} onClick={() => select(key)} onKeyDown={event => { if (event.key === 'Enter') select(key); }}>
              <td className={styles.name}><span className="mono">{pod.name}</span><span className={styles.muted}>{pod.namespace === 'default' ? '' : pod.namespace}</span></td>
              <td><State pod={pod} /></td>
              <td className={styles.containers}>{pod.containers.map(container => <ContainerChip key={container.name} container={container} role={roleOf(pod, container)} />)}</td>
              <td className={styles.number}>{restarts(pod)}</td>
              <td><Sync proxy={proxies.find(proxy => proxy.proxy === key)} /></td>
              <td className={styles.number}>{format.age(Math.max(0, heard - pod.started)).replace(' ago', '')}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function restarts(pod: PodStatus): number {
  return pod.containers.reduce((sum, container) => sum + container.restarts, 0);
}

/** Ready, or why not. */
export function State({ pod }: { readonly pod: PodStatus }): ReactNode {
  const [Glyph, word, tone] = pod.phase === 'Failed' ? [IconCircleX, 'Failed', 'bad'] as const
    : pod.phase === 'Terminating' ? [IconCircleDashed, 'Terminating', 'wait'] as const
    : pod.ready ? [IconCircleCheck, 'Ready', 'good'] as const
    : pod.phase === 'Pending' ? [IconCircleDashed, 'Pending', 'wait'] as const : [IconAlertTriangle, 'Not ready', 'wait'] as const;
  const reason = pod.message ?? pod.containers.find(container => container.state !== 'running')?.reason;
  const state = <span className={styles.state} data-tone={tone}><Glyph size={14} aria-hidden />{word}{reason !== undefined && !pod.ready && <span className={styles.reason}>{reason}</span>}</span>;
  return reason === undefined ? state : <Tip label={reason}>{state}</Tip>;
}

/** What a container is besides the app. */
function roleOf({ kind, sidecar }: PodStatus, { name, standIn }: ContainerStatus): string | undefined {
  if (standIn !== undefined) return 'stand-in';
  return name !== 'istio-proxy' ? undefined : kind === 'gateway' ? 'gateway' : sidecar ? 'sidecar' : undefined;
}

function ContainerChip({ container, role }: { readonly container: ContainerStatus; readonly role: string | undefined }): ReactNode {
  const ended = container.state === 'exited' ? `, exited with ${container.exitCode ?? '?'}` : container.state === 'waiting' ? `, waiting${container.reason === undefined ? '' : `: ${container.reason}`}` : '';
  const label = <>{container.image}{container.standIn === undefined ? '' : <><br />Weft’s stand-in runs in its place</>}{ended}</>;
  return <Tip label={label}><span className={styles.chip} data-state={container.state}>{container.name}{role !== undefined && <i>{role}</i>}</span></Tip>;
}

/** What the proxy has been sent and has acknowledged. */
export function Sync({ proxy }: { readonly proxy: ProxyStatus | undefined }): ReactNode {
  if (proxy === undefined) return <span className={styles.muted}>no proxy</span>;
  if (proxy.rejected !== undefined) return <Tip label={<>Rejected: {proxy.rejected}. The last good config stays in force.</>}><span className={styles.state} data-tone="bad"><IconCircleX size={14} aria-hidden />rejected</span></Tip>;
  if (!proxy.connected) return <Tip label={`Not connected. It lives on config ${proxy.acknowledged}.`}><span className={styles.state} data-tone="wait"><IconPlugConnectedX size={14} aria-hidden />not connected</span></Tip>;
  const same = proxy.sent === proxy.acknowledged;
  return (
    <Tip label={same ? `Has acknowledged all of ${proxy.sent}` : `Sent ${proxy.sent}, acknowledged ${proxy.acknowledged === '' ? 'nothing' : proxy.acknowledged}`}>
      <span className={styles.state} data-tone={same ? 'good' : 'wait'}>{same ? <IconCircleCheck size={14} aria-hidden /> : <IconCircleDashed size={14} aria-hidden />}{same ? 'in sync' : 'sent'}</span>
    </Tip>
  );
}

function moveRow(event: KeyboardEvent): void {
  const row = (event.target as HTMLElement).closest('tr');
  const next = event.key === 'ArrowDown' ? row?.nextElementSibling : event.key === 'ArrowUp' ? row?.previousElementSibling : undefined;
  if (!(next instanceof HTMLElement)) return;
  event.preventDefault();
  next.focus();
}
