import { useMemo, type ReactNode } from 'react';
import type { GraphNode, ServiceSummary } from '../../../../src/contract/index.ts';
import { FaultPanel, featurePanels, MtlsPanel, WeightsPanel } from '../../../features/index.ts';
import { useApi, useLab, useLabName, useUiActions } from '../../../lab/index.ts';
import { parseRules, rulesFor, type Rule } from '../../../lab/rules.ts';
import { FileLink, format, Section, useAsync } from '../../../ui/index.ts';
import { ejectedHosts } from '../ejected.ts';
import { isHost, serviceOf } from '../flow.ts';
import { Figures } from './figures.tsx';
import { Title } from './inspection.tsx';
import styles from './inspector.module.css';

const kinds = { service: 'Service', gateway: 'Ingress gateway', external: 'Outside of the mesh', unknown: 'Not known to the mesh' } as const;

/** What stands behind the nodes that are no one thing, by id. */
const meanings: Readonly<Record<string, string>> = {
  unidentified: 'Callers without a proxy, or whose TLS handshake failed: nobody knows who they are. Their requests show the address.',
  unknown: 'Hosts that no Service and no ServiceEntry names: the proxies let the traffic through as it is, or block it.',
};

/** A service: its figures, its versions, its switches, and what the rules say. */
export function NodePanel({ node }: { readonly node: GraphNode }): ReactNode {
  const service = useLab(state => serviceOf(state.status?.services ?? [], node));
  const switches = useLab(state => state.status?.switches);
  const rules = useRules(service?.name ?? node.name, node);
  const weights = switches?.weights.find(each => isHost(each, service ?? node))?.weights;
  const fault = switches?.faults.find(each => isHost(each, service ?? node));
  return (
    <>
      <Title kind={kinds[node.kind]} name={node.name}>{service !== undefined && <Ports service={service} />}{node.kind === 'unknown' && <p className={styles.hint}>{meanings[node.id]}</p>}</Title>
      <Section title="Now"><Figures id={node.id} figures={node.figures} /></Section>
      {node.versions.length > 0 && node.kind === 'service' && <Section title="Versions"><Versions node={node} /></Section>}
      <Ejected node={node} />
      {service !== undefined && service.versions.length > 1 && <Section title="Weights" aside={<RuleLink rules={rules} kind="VirtualService" path={['http']} />}><WeightsPanel service={service} written={weights} /></Section>}
      {service !== undefined && <Section title="Fault" aside={fault === undefined ? undefined : <RuleLink rules={rules} kind="VirtualService" path={['http', 0, 'fault']} />}><FaultPanel service={service} active={fault} /></Section>}
      {service !== undefined && <Section title="mTLS"><MtlsPanel namespaces={[service.namespace]} /></Section>}
      <RulesSection rules={rules} />
      <Links node={node} />
    </>
  );
}

function Ports({ service }: { readonly service: ServiceSummary }): ReactNode {
  return <p className={styles.hint}><code>{service.host}</code><br />{service.ports.map(port => `${port.port} ${port.protocol}`).join(', ')}</p>;
}

function Versions({ node }: { readonly node: GraphNode }): ReactNode {
  return (
    <table className={styles.table}>
      <thead><tr><th scope="col">version</th><th scope="col">ready</th><th scope="col">rps</th><th scope="col">errors</th><th scope="col">p99</th></tr></thead>
      <tbody>
        {node.versions.map(({ version, ready, pods, figures }) => (
          <tr key={version}><td>{version}</td><td>{ready}/{pods}</td><td>{format.rate(figures.rps)}</td>{figures.rps === 0 ? <><td>–</td><td>–</td></> : <><td className={figures.errorShare > 0.0005 ? styles.bad : undefined}>{format.share(figures.errorShare)}</td><td>{format.duration(figures.p99)}</td></>}</tr>
        ))}
      </tbody>
    </table>
  );
}

/** Its hosts that callers leave out of load balancing for now, and what that means. */
function Ejected({ node }: { readonly node: GraphNode }): ReactNode {
  const upstreams = useLab(state => state.upstreams);
  const pods = useLab(state => state.status?.pods);
  const lines = useMemo(() => [...ejectedHosts(upstreams, pods ?? []).get(node.id)?.values() ?? []].flatMap(words => words.split('\n')), [upstreams, pods, node.id]);
  if (lines.length === 0) return null;
  return (
    <Section title="Ejected">
      <ul className={styles.findings}>{lines.map(line => <li key={line}>{line}.</li>)}</ul>
      <p className={styles.hint}>A host that fails too often in a row gets no requests for a while and then comes back by itself. The DestinationRule’s outlierDetection says how often is too often, and how long it lasts.</p>
    </Section>
  );
}

/** The rules of this service, read anew whenever the lab's config changes. */
function useRules(name: string, node: GraphNode): readonly Rule[] {
  const lab = useLabName();
  const api = useApi();
  const version = useLab(state => state.status?.version ?? '');
  const files = useAsync(async () => parseRules(await api.files({ lab })), `${lab} ${version}`);
  return useMemo(() => rulesFor(files.value ?? [], { ...node, name }), [files.value, node.id, name]);
}

function RuleLink({ rules, kind, path }: { readonly rules: readonly Rule[]; readonly kind: string; readonly path: readonly (string | number)[] }): ReactNode {
  const rule = rules.find(each => each.kind === kind);
  return rule === undefined ? null : <FileLink file={rule.file} line={rule.lineOf(path)} />;
}

function RulesSection({ rules }: { readonly rules: readonly Rule[] }): ReactNode {
  const found = featurePanels.flatMap(panel => rules.flatMap(rule => panel.read(rule).map(finding => ({ title: panel.title, ...finding, rule }))));
  if (found.length === 0) return null;
  return (
    <Section title="Rules">
      <ul className={styles.findings}>
        {found.map(({ title, text, path, rule }, index) => <li key={index}><span><b>{title}</b>{text}</span><FileLink file={rule.file} line={rule.lineOf(path)} /></li>)}
      </ul>
    </Section>
  );
}

/** Who calls it and whom it calls: the lines of the graph, for the keyboard and for the ear. */
function Links({ node }: { readonly node: GraphNode }): ReactNode {
  const graph = useLab(state => state.graph);
  const { select } = useUiActions();
  const name = (id: string): string => graph?.nodes.find(each => each.id === id)?.name ?? id;
  const edges = (graph?.edges ?? []).filter(edge => edge.source === node.id || edge.target === node.id);
  if (edges.length === 0) return null;
  return (
    <Section title="Connections">
      <ul className={styles.links}>
        {edges.map(edge => (
          <li key={edge.id}>
            <button type="button" className={styles.link} onClick={() => select({ kind: 'edge', id: edge.id })}>
              <span>{edge.target === node.id ? `from ${name(edge.source)}` : `to ${name(edge.target)}`}</span>
              <span>{format.rate(edge.figures.rps)} rps{edge.figures.errorShare > 0 ? ` · ${format.share(edge.figures.errorShare)} errors` : ''}</span>
            </button>
          </li>
        ))}
      </ul>
    </Section>
  );
}
