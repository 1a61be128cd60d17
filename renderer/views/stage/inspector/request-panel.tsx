import type { ReactNode } from 'react';
import type { Outcome, Peer, RequestRecord } from '../../../../src/contract/index.ts';
import type { Hop } from '../../../lab/index.ts';
import { account, serviceName } from '../../../lab/words.ts';
import { Fact, Facts, FileLink, format, OutcomeGlyph, Section } from '../../../ui/index.ts';
import { outcomeColor } from '../../../ui/outcome.tsx';
import { sourceName } from '../../traffic/row.ts';
import { Decision } from './decision.tsx';
import { FlagChip } from './flag-chip.tsx';
import { Title } from './inspection.tsx';
import { TraceSection } from './trace-section.tsx';
import styles from './inspector.module.css';

/** One request: what happened, why, what to do; then the decision, the timing, and everything it carried. */
export function RequestPanel({ hop, outcome, reports }: { readonly hop: Hop; readonly outcome: Outcome; /** Makes a new report of the callee render. */ readonly reports: number }): ReactNode {
  const { record, others } = hop;
  return (
    <>
      <Title kind={record.protocol === 'tcp' ? 'TCP connection' : 'Request'} name={record.protocol === 'tcp' ? serviceName(record) : `${record.method} ${record.path}`}>
        <p className={styles.hint}>{sourceName(record.source)} → {record.destination.app === '' ? serviceName(record) : record.destination.app} · {format.clock(record.time)} · {format.duration(record.duration)}</p>
      </Title>
      <Words record={record} others={others} outcome={outcome} />
      <Section title="Decision" aside={<span className={styles.hint}>caller’s proxy</span>}><Decision steps={record.decision} /></Section>
      {others.map((other, index) => <Section key={other.key} title={others.length === 1 ? 'At the callee' : `At the callee, attempt ${index + 1}`} aside={<span className={styles.hint}>{other.status === 0 ? '' : other.status}</span>}><Decision steps={other.decision} /></Section>)}
      {record.protocol !== 'tcp' && <TraceSection traceId={record.traceId} record={record.key} reports={reports} />}
      <Section title="Timing"><Timing record={record} /></Section>
      <Section title="Ends"><Facts><End name="From" peer={record.source} /><End name="To" peer={record.destination} unasked={neverSent(record)} /><Fact name="mTLS">{neverSent(record) ? 'no connection was made' : record.mtls ? 'yes, both proved who they are' : 'no: plaintext'}</Fact></Facts></Section>
      <Details title="Headers"><HeaderTable caption="Request" headers={record.requestHeaders} /><HeaderTable caption="Response" headers={record.responseHeaders} /></Details>
      <Details title="Everything else"><Rest record={record} /></Details>
    </>
  );
}

function Words({ record, others, outcome }: { readonly record: RequestRecord; readonly others: readonly RequestRecord[]; readonly outcome: Outcome }): ReactNode {
  const { what, why, advice, origin } = account(record, others);
  return (
    <div className={styles.account}>
      <p className={styles.what} style={outcome === 'ok' ? undefined : { color: `var(${outcomeColor[outcome]})` }}><OutcomeGlyph outcome={outcome} size={13} /><span>{what}</span></p>
      {why !== undefined && <p>{why}</p>}
      {advice !== undefined && <p className={styles.advice}>{advice}</p>}
      {(record.flags.length > 0 || origin !== undefined) && <div className={styles.chips}>{record.flags.map(flag => <FlagChip key={flag} flag={flag} />)}{origin !== undefined && <FileLink file={origin.file} line={origin.line} />}</div>}
    </div>
  );
}

function Timing({ record }: { readonly record: RequestRecord }): ReactNode {
  const { duration, upstreamDuration, retries } = record;
  const own = Math.max(0, duration - upstreamDuration);
  const part = duration === 0 ? 0 : Math.min(1, upstreamDuration / duration);
  return (
    <div className={styles.timing}>
      <div className={styles.track} role="img" aria-label={`${format.share(part)} of the time at the callee`}><i style={{ width: `${part * 100}%`, background: 'var(--accent)' }} /></div>
      <Facts>
        <Fact name="In all">{format.duration(duration)}</Fact>
        <Fact name="First byte">{upstreamDuration === 0 ? 'the callee was not asked' : format.duration(upstreamDuration)}</Fact>
        <Fact name="The rest">{format.duration(own)} in the proxies and on the wire</Fact>
        {retries > 0 && <Fact name="Retries">{retries}</Fact>}
      </Facts>
    </div>
  );
}

/** The caller's proxy answered by itself: nobody was asked. */
function neverSent({ reporter, endpoint }: RequestRecord): boolean {
  return reporter === 'source' && endpoint === '';
}

function End({ name, peer, unasked = false }: { readonly name: string; readonly peer: Peer; readonly unasked?: boolean }): ReactNode {
  const who = peer.pod !== '' ? peer.pod : peer.ip !== '' ? peer.ip : unasked ? 'nobody was asked' : 'outside of the mesh';
  return <Fact name={name} mono copy={peer.principal}>{who}{peer.principal !== '' && <><br />{peer.principal}</>}</Fact>;
}

function Details({ title, children }: { readonly title: string; readonly children: ReactNode }): ReactNode {
  return <details className={styles.details}><summary>{title}</summary><div className={styles.pad}>{children}</div></details>;
}

function HeaderTable({ caption, headers }: { readonly caption: string; readonly headers: RequestRecord['requestHeaders'] }): ReactNode {
  if (headers.length === 0) return null;
  return (
    <table className={styles.headers}>
      <caption>{caption}</caption>
      <tbody>{headers.map(([name, value], index) => <tr key={index}><th scope="row">{name}</th><td>{value}</td></tr>)}</tbody>
    </table>
  );
}

function Rest({ record }: { readonly record: RequestRecord }): ReactNode {
  return (
    <Facts>
      <Fact name="Status">{record.status}{record.grpcStatus === undefined ? '' : `, gRPC ${record.grpcStatus}`}</Fact>
      <Fact name="Details" mono>{record.details}</Fact>
      <Fact name="Listener" mono>{record.listener}</Fact>
      <Fact name="Route" mono>{record.route}</Fact>
      <Fact name="Cluster" mono copy={record.cluster}>{record.cluster}</Fact>
      <Fact name="Endpoint" mono copy={record.endpoint}>{record.endpoint}</Fact>
      <Fact name="Received">{format.bytes(record.bytesReceived)}</Fact>
      <Fact name="Sent">{format.bytes(record.bytesSent)}</Fact>
      <Fact name="Request id" mono copy={record.requestId}>{record.requestId}</Fact>
      <Fact name="Trace id" mono copy={record.traceId}>{record.traceId}</Fact>
      <Fact name="Span id" mono copy={record.spanId}>{record.spanId}</Fact>
      <Fact name="Proxy" mono copy={record.proxy}>{record.proxy}</Fact>
    </Facts>
  );
}
