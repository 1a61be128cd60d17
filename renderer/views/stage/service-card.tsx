import { IconDoorEnter, IconPlugConnectedX, IconQuestionMark, IconWorld } from '@tabler/icons-react';
import type { Node, NodeProps } from '@xyflow/react';
import { memo, useLayoutEffect, useRef, type ReactNode, type RefObject } from 'react';
import type { GraphNode } from '../../../src/contract/index.ts';
import { OutcomeGlyph } from '../../ui/index.ts';
import { cardFigures, figuresText } from './card-figures.ts';
import { hasRows } from './card-size.ts';
import type { Paced } from './paced.ts';
import styles from './service-card.module.css';

/** What a card shows besides its figures, which come a few cards at a time. */
export interface CardData extends Record<string, unknown> {
  readonly node: GraphNode;
  readonly figures: Paced<GraphNode>;
  /** Weight of each version in the rules, when they have weights. */
  readonly weights: Readonly<Record<string, number>> | undefined;
  /** Faults that requests to this service meet, in words; empty without. */
  readonly fault: string;
  /** Who is ejected from load balancing, in words, by version. */
  readonly ejected: ReadonlyMap<string, string> | undefined;
  readonly selected: boolean;
  /** The one card that Tab reaches; arrows go on from it. */
  readonly entry: boolean;
  readonly onOpen: (id: string) => void;
}

export type CardNode = Node<CardData, 'service'>;

const icons = { gateway: IconDoorEnter, external: IconWorld, unknown: IconQuestionMark, service: undefined } as const;

/** A service with its versions as rows inside. What changes every second is written into it outside of React. */
export const ServiceCard = memo(function ServiceCard({ data }: NodeProps<CardNode>): ReactNode {
  const { node, fault, selected, entry, onOpen } = data;
  const card = useFigures(data);
  const Glyph = icons[node.kind];
  const open = (): void => onOpen(node.id);
  return (
    <div
      ref={card} className={styles.card} data-selected={selected || undefined} data-node={node.id}
      role="button" tabIndex={entry ? 0 : -1} aria-pressed={selected}
      onClick={open}
      onKeyDown={event => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); open(); } }}
    >
      {fault !== '' && <span className={styles.fault} title={`Fault injected: ${fault}`}><OutcomeGlyph outcome="fault" size={10} label={false} /><span>{fault}</span></span>}
      <div className={styles.head}>
        {Glyph !== undefined && <Glyph size={15} stroke={1.7} aria-hidden className={styles.icon} />}
        <span className={styles.name} data-long={node.name.length > 13 || undefined} title={`${node.namespace}/${node.name}`}>{node.kind === 'gateway' ? 'ingress' : node.name}</span>
        <span className={styles.figures}><ErrorShare /><span className={styles.rps}><span data-figure="rps" /><small> rps</small></span></span>
      </div>
      {hasRows(node) && <div className={styles.rows}>{node.versions.map(({ version }) => <VersionRow key={version} ejected={data.ejected?.get(version)} weight={data.weights?.[version]} version={version} />)}</div>}
    </div>
  );
}, ({ data: one }, { data: two }) => sameCard(one, two));

/** Keeps the card's figures at the newest that are to be shown. */
function useFigures(data: CardData): RefObject<HTMLDivElement | null> {
  const { figures, node: { id } } = data;
  const card = useRef<HTMLDivElement>(null);
  const first = useRef(data.node);
  first.current = data.node;
  const versions = outline(data);
  useLayoutEffect(() => {
    if (card.current === null) return undefined;
    const write = cardFigures(card.current);
    const show = (): void => write(figures.get(id) ?? first.current);
    show();
    return figures.subscribe(id, show);
  }, [figures, id, versions]);
  return card;
}

/** True when two cards look the same but for their figures. */
export function sameCard(one: CardData, two: CardData): boolean {
  return one.selected === two.selected && one.entry === two.entry && one.fault === two.fault && one.onOpen === two.onOpen && one.figures === two.figures && sameWords(one.ejected, two.ejected) && outline(one) === outline(two);
}

/** True when the figures of two nodes read the same. */
export function sameFigures(one: GraphNode, two: GraphNode): boolean { return figuresText(one) === figuresText(two); }

function VersionRow({ weight, ejected, version }: { readonly weight: number | undefined; readonly ejected: string | undefined; readonly version: string }): ReactNode {
  return (
    <div className={styles.row} data-version={version}>
      <span className={styles.version} data-long={version.length > 5 || undefined}>{version}</span>
      <span className={styles.pods} data-figure="pods" />
      {weight === undefined || ejected !== undefined ? <span /> : <span className={styles.weight} title={`The rules send it ${weight} %`}><i style={{ inlineSize: `${weight * 0.3}px` }} /><b>{weight} %</b></span>}
      <span className={styles.figures}>{ejected !== undefined && <span className={styles.ejected} title={ejected}><IconPlugConnectedX size={12} stroke={1.8} aria-hidden />ejected</span>}<ErrorShare /><span className={styles.rps} data-figure="rps" /></span>
    </div>
  );
}

function ErrorShare(): ReactNode {
  return <span className={styles.errors} data-figure="errors" hidden><i /><span /></span>;
}

function sameWords(one: ReadonlyMap<string, string> | undefined, two: ReadonlyMap<string, string> | undefined): boolean {
  return one === two || JSON.stringify([...one ?? []]) === JSON.stringify([...two ?? []]);
}

function outline({ node: { id, kind, name, versions }, weights }: CardData): string {
  return [id, kind, name, ...versions.map(({ version }) => `${version} ${weights?.[version] ?? ''}`)].join('\n');
}
