import { Button } from '@mantine/core';
import { IconListDetails } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { GraphEdge } from '../../../../src/contract/index.ts';
import { useLab, useUiActions } from '../../../lab/index.ts';
import { Fact, Facts, format, Section } from '../../../ui/index.ts';
import { Figures } from './figures.tsx';
import { Title } from './inspection.tsx';
import styles from './inspector.module.css';

/** A line of the graph: its figures, who is at both ends, and how they speak. */
export function EdgePanel({ edge }: { readonly edge: GraphEdge }): ReactNode {
  const source = useLab(state => state.graph?.nodes.find(node => node.id === edge.source)?.name ?? edge.source);
  const target = useLab(state => state.graph?.nodes.find(node => node.id === edge.target)?.name ?? edge.target);
  const { select, setFilter, show } = useUiActions();
  return (
    <>
      <Title kind="Connection" name={`${source} → ${target}`} />
      <Section title="Now"><Figures id={edge.id} figures={edge.figures} /></Section>
      <Section title="How they speak">
        <Facts>
          <Fact name="Protocol">{edge.protocol === 'tcp' ? 'TCP' : edge.protocol === 'grpc' ? 'gRPC' : 'HTTP'}</Fact>
          <Fact name="mTLS">{edge.mtls > 0.995 ? 'all requests' : edge.mtls < 0.005 ? 'none: plaintext' : `${format.share(edge.mtls)} of requests`}</Fact>
          <Fact name="Caller is" mono copy={edge.sourcePrincipal}>{edge.sourcePrincipal === '' ? 'unproven' : edge.sourcePrincipal}</Fact>
          <Fact name="Callee is" mono copy={edge.targetPrincipal}>{edge.targetPrincipal === '' ? 'unproven' : edge.targetPrincipal}</Fact>
        </Facts>
      </Section>
      <Section title="Go on">
        <ul className={styles.links}>
          <li><button type="button" className={styles.link} onClick={() => select({ kind: 'node', id: edge.source })}><span>{source}</span><span>caller</span></button></li>
          <li><button type="button" className={styles.link} onClick={() => select({ kind: 'node', id: edge.target })}><span>{target}</span><span>callee</span></button></li>
        </ul>
        <Button mt={8} variant="default" leftSection={<IconListDetails size={14} aria-hidden />} onClick={() => { setFilter(`${source} ${target}`); show('traffic'); }}>Its requests</Button>
      </Section>
    </>
  );
}
