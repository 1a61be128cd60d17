import type { Outcome, RequestRecord } from '../../../src/contract/index.ts';
import type { Hop } from '../../lab/index.ts';
import { serviceName, wordsOf } from '../../lab/words.ts';
import { changed, textAt as text } from '../../ui/changed.ts';
import { format } from '../../ui/index.ts';
import { outcomeColor, outcomeShape, outcomeWords } from '../../ui/outcome.tsx';
import styles from './traffic.module.css';

/** What a row says besides its request. */
export interface RowPlace {
  /** 0 is the newest request of the list. */
  readonly index: number;
  readonly selected: boolean;
  /** With the columns that only the wide table has. */
  readonly wide: boolean;
  /** How many characters surely fit into the columns whose text has no bound. */
  readonly room: Room;
}

/** Characters that fit, whatever they are. */
export interface Room {
  readonly who: number;
  readonly what: number;
}

/** One request as a row that is written anew instead of made anew: only what differs from the last request touches the page. */
export interface Row {
  readonly element: HTMLElement;
  /** The request that is shown; `undefined` until the first. */
  hop(): Hop | undefined;
  show(hop: Hop, place: RowPlace): void;
}

/** Makes an empty row. */
export function createRow(): Row {
  const element = make('div', styles.row, 'row');
  const cell = (name: string | undefined): HTMLElement => element.appendChild(make('span', name, 'gridcell'));
  const time = text(cell(styles.time));
  const glyph = createGlyph(cell(styles.outcome));
  const who = cell(styles.who);
  const [from, arrow, to, version] = [text(who), text(who.appendChild(document.createElement('i'))), text(who), text(who.appendChild(document.createElement('small')))];
  arrow(' → ');
  const what = cell(styles.what);
  // Each clipped cell costs the browser at every update: only what may be too long is.
  const [longWho, longWhat] = [who, what].map(each => changed<boolean>(value => each.toggleAttribute('data-long', value))) as [(value: boolean) => void, (value: boolean) => void];
  const [method, path] = [text(what.appendChild(make('span', styles.method))), text(what)];
  const statusCell = cell(styles.status);
  const [status, statusTone] = [text(statusCell), tone(statusCell)];
  const flagsCell = cell(styles.flags);
  const [flags, flagsTitle] = [text(flagsCell), changed<string>(words => { flagsCell.title = words; flagsCell.toggleAttribute('data-long', words.includes('\n')); })];
  const took = text(cell(styles.duration));
  const bytes = text(cell(styles.bytes));
  const mtls = createLock(cell(styles.mtls));
  const whyCell = cell(styles.why);
  const [why, whyTone] = [text(whyCell), tone(whyCell)];
  const [id, rowIndex] = [changed<string>(value => { element.id = value; }), changed<number>(value => element.setAttribute('aria-rowindex', String(value)))];
  const select = changed<boolean>(value => { element.setAttribute('aria-selected', String(value)); element.toggleAttribute('data-selected', value); });
  const widen = changed<boolean>(value => element.toggleAttribute('data-wide', value));
  let current: Hop | undefined;
  return {
    element, hop: () => current,
    show: (hop, place) => {
      const { record, outcome } = hop;
      current = hop;
      id(`hop-${hop.sequence}`); rowIndex(place.index + 2); select(place.selected); widen(place.wide);
      time(format.clock(record.time)); glyph(outcome);
      const names = [sourceName(record.source), targetName(record), versionOf(record)] as const;
      from(names[0]); to(names[1]); version(names[2]);
      longWho(names[0].length + names[1].length + names[2].length + 3 > place.room.who);
      const [verb, rest] = record.protocol === 'tcp' ? ['TCP', ''] : [record.method, ` ${record.path}`];
      method(verb); path(rest);
      longWhat(verb.length + rest.length > place.room.what);
      status(statusText(record)); statusTone(outcome);
      flags(record.flags.join(' ')); flagsTitle(record.flags.map(flag => `${flag}: ${wordsOf(flag)?.means ?? ''}`).join('\n'));
      took(format.duration(record.duration));
      why(outcome === 'ok' ? '' : 'why?'); whyTone(outcome);
      if (!place.wide) return;
      bytes(format.bytes(record.bytesSent)); mtls(record.mtls);
    },
  };
}

/** The caller in a word. */
export function sourceName({ app, workload, ip }: RequestRecord['source']): string {
  if (app === 'istio-ingressgateway') return 'ingress';
  return app !== '' ? app : workload !== '' ? workload : ip !== '' ? ip : 'outside';
}

function targetName(record: RequestRecord): string {
  return record.destination.app === '' ? serviceName(record) : record.destination.app;
}

function versionOf({ destination: { version } }: RequestRecord): string {
  return version === '' || version === 'latest' ? '' : ` ${version}`;
}

function statusText({ status, protocol }: RequestRecord): string {
  if (protocol === 'tcp') return '';
  return status === 0 ? '–' : String(status);
}

function make(tag: string, className: string | undefined, role?: string): HTMLElement {
  const element = document.createElement(tag);
  if (className !== undefined) element.className = className;
  if (role !== undefined) element.setAttribute('role', role);
  return element;
}

/** The colour of an outcome other than OK. */
function tone(element: HTMLElement): (outcome: Outcome) => void {
  return changed(outcome => { element.style.color = outcome === 'ok' ? '' : `var(${outcomeColor[outcome]})`; });
}

const svg = 'http://www.w3.org/2000/svg';

function createGlyph(cell: HTMLElement): (outcome: Outcome) => void {
  const picture = cell.appendChild(document.createElementNS(svg, 'svg'));
  for (const [name, value] of [['width', '11'], ['height', '11'], ['viewBox', '0 0 12 12'], ['fill-rule', 'evenodd'], ['role', 'img']] as const) picture.setAttribute(name, value);
  const shape = picture.appendChild(document.createElementNS(svg, 'path'));
  return changed(outcome => {
    picture.setAttribute('aria-label', outcomeWords[outcome]);
    picture.style.fill = `var(${outcomeColor[outcome]})`;
    // With the corners in it each shape has the same bounds: a picture that grows makes the browser put the whole page together anew.
    shape.setAttribute('d', `M0 0H0M12 12H12${outcomeShape[outcome]}`);
  });
}

function createLock(cell: HTMLElement): (locked: boolean) => void {
  const picture = cell.appendChild(document.createElementNS(svg, 'svg'));
  for (const [name, value] of [['width', '13'], ['height', '13'], ['viewBox', '0 0 16 16'], ['role', 'img'], ['aria-label', 'mTLS']] as const) picture.setAttribute(name, value);
  picture.appendChild(document.createElementNS(svg, 'path')).setAttribute('d', 'M3.5 7.5h9v6h-9zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5');
  picture.style.display = 'none';
  return changed(locked => { picture.style.display = locked ? '' : 'none'; });
}
