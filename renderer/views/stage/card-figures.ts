import type { GraphNode } from '../../../src/contract/index.ts';
import { changed, textAt } from '../../ui/changed.ts';
import { format } from '../../ui/index.ts';

/**
 * What writes a node's figures into its card: outside of React, and only those that read otherwise than before, since a large graph
 * has new ones every second. The places are marked `data-figure`: `rps`, `errors`, and `pods` in the row of a `data-version`.
 */
export function cardFigures(card: HTMLElement): (node: GraphNode) => void {
  const quiet = changed<boolean>(value => card.toggleAttribute('data-quiet', value));
  const head = traffic(card);
  const rows = new Map([...card.querySelectorAll<HTMLElement>('[data-version]')].map(row => [row.dataset['version'], versionRow(row)]));
  return ({ figures, versions }) => {
    quiet(figures.rps === 0);
    head(figures);
    for (const each of versions) rows.get(each.version)?.(each);
  };
}

/** All that a card says of its figures. */
export function figuresText({ figures, versions }: GraphNode): string {
  const text = ({ rps, errorShare }: GraphNode['figures']): string => `${format.rate(rps)} ${format.share(errorShare)}`;
  return [text(figures), ...versions.map(each => `${each.version} ${each.ready}/${each.pods} ${text(each.figures)}`)].join('\n');
}

function versionRow(row: HTMLElement): (version: GraphNode['versions'][number]) => void {
  const place = figure(row, 'pods');
  const down = changed<boolean>(value => row.toggleAttribute('data-down', value));
  const partial = changed<boolean>(value => place?.toggleAttribute('data-partial', value));
  const words = changed<string>(value => { if (place !== null) place.textContent = value; });
  const title = changed<string>(value => { if (place !== null) place.title = value; });
  const figures = traffic(row);
  return ({ ready, pods, figures: now }) => {
    down(ready === 0);
    partial(ready < pods);
    words(`${ready}/${pods}`);
    title(`${ready} of ${format.count(pods, 'pod')} ready`);
    figures(now);
  };
}

/** Rate and share of errors: the first places of a card are its own. */
function traffic(within: HTMLElement): (figures: GraphNode['figures']) => void {
  const [rps, errors] = [emptied(figure(within, 'rps')), figure(within, 'errors')];
  const share = emptied(errors?.querySelector('span') ?? null);
  const title = changed<string>(value => { if (errors !== null) errors.title = value; });
  const hidden = changed<boolean>(value => { if (errors !== null) errors.hidden = value; });
  return figures => {
    rps(format.rate(figures.rps));
    hidden(figures.errorShare < 0.0005);
    if (figures.errorShare < 0.0005) return;
    share(format.share(figures.errorShare));
    title(`${format.share(figures.errorShare)} of requests fail`);
  };
}

function figure(within: HTMLElement, name: string): HTMLElement | null { return within.querySelector<HTMLElement>(`[data-figure="${name}"]`); }

function emptied(element: Element | null): (value: string) => void {
  if (element === null) return () => undefined;
  element.replaceChildren();
  return textAt(element);
}
