import type { Hop } from '../../lab/index.ts';
import { createRow, type Room, type Row } from './row.ts';

/** Height of a row in CSS pixels; the styles of `traffic.module.css` agree with it. */
const rowHeight = 28;
/** Rows beyond each edge of what is in sight, while a person has scrolled: at the top every row is paid for at each update. */
const spare = 3;

/** How many rows a box of so many may lack while its top is looked at: the scrollbar hardly shows it. */
function slack(boxed: number): number { return boxed < 200 ? 0 : boxed / 8; }

/** What surely fits into the columns that share what the others leave; `traffic.module.css` has their widths. Letters of 12 px are at most some 8 px wide on average, those of fixed width 7. */
function roomIn(width: number, wide: boolean): Room {
  const broad = wide && width > 760;
  const free = width - (broad ? 24 + 9 * 8 + 88 + 14 + 32 + 56 + 62 + 60 + 36 + 36 : 24 + 7 * 8 + 86 + 14 + 30 + 44 + 56 + 30);
  const who = Math.max(broad ? 130 : 164, free / (broad ? 3 : 2.2));
  return { who: Math.floor(who / 8), what: Math.floor((free - who) / 7) };
}

/** The elements that a list of rows lives in. */
export interface RowListParts {
  /** Scrolls. */
  readonly scroller: HTMLElement;
  /** As high as all rows together; this list alone fills it. */
  readonly box: HTMLElement;
  readonly wide: boolean;
  readonly onOpen: (key: string) => void;
}

/**
 * Rows of requests, outside of React: at hundreds of requests a second a row moves or is written anew, never made anew.
 * Only what is in sight is in the page; nothing asks the page for a layout while requests come in.
 */
export class RowList {
  private readonly parts: RowListParts;
  private readonly window = document.createElement('div');
  private readonly release: () => void;
  private rows: Row[] = [];
  private hops: readonly Hop[] = [];
  private selected: string | undefined;
  private height = 0;
  private offset = 0;
  private boxed = 0;
  private first = -1;
  private room: Room = { who: 0, what: 0 };

  constructor(parts: RowListParts) {
    this.parts = parts;
    const { scroller, box } = parts;
    this.window.style.cssText = 'position: absolute; left: 0; right: 0';
    this.window.setAttribute('role', 'presentation');
    box.append(this.window);
    const scrolled = (): void => { this.offset = scroller.scrollTop; this.fitBox(); this.render(); };
    const clicked = ({ target }: Event): void => {
      const hop = this.rows.find(({ element }) => target instanceof Node && element.contains(target))?.hop();
      if (hop !== undefined) parts.onOpen(hop.key);
    };
    const fit = new ResizeObserver(([entry]) => { this.height = entry?.contentRect.height ?? 0; this.room = roomIn(entry?.contentRect.width ?? 0, parts.wide); this.render(); });
    scroller.addEventListener('scroll', scrolled, { passive: true });
    box.addEventListener('click', clicked);
    fit.observe(scroller);
    this.release = () => {
      fit.disconnect();
      scroller.removeEventListener('scroll', scrolled);
      box.removeEventListener('click', clicked);
      this.window.remove();
    };
  }

  /** Shows a list, newest first. Away from the top, what is in sight keeps its place while new ones come above it. */
  show(hops: readonly Hop[]): void {
    const newest = this.hops[0];
    const { scroller } = this.parts;
    this.hops = hops;
    if (this.offset > 0 || hops.length < this.boxed || hops.length > this.boxed + slack(this.boxed)) this.fitBox();
    if (newest !== undefined && this.offset >= rowHeight) {
      const added = hops.indexOf(newest);
      if (added > 0) { this.offset += added * rowHeight; scroller.scrollTop = this.offset; }
    }
    this.render();
  }

  /** Marks the request that is inspected. */
  select(key: string | undefined): void {
    this.selected = key;
    this.render();
  }

  /** The request so many rows from the selected one, scrolled into sight; the newest when none is selected. */
  step(by: number): Hop | undefined {
    const at = this.hops.findIndex(({ key }) => key === this.selected);
    const index = at === -1 ? 0 : Math.max(0, Math.min(this.hops.length - 1, at + by));
    const hop = this.hops[index];
    if (hop === undefined) return undefined;
    const top = index * rowHeight;
    this.fitBox();
    if (top < this.offset) this.parts.scroller.scrollTop = top;
    else if (top + rowHeight > this.offset + this.height) this.parts.scroller.scrollTop = top + rowHeight - this.height;
    return hop;
  }

  stop(): void { this.release(); }

  /** Makes the box as high as all rows. Each change costs the page a new measure of all that scrolls, so at the top, where nobody sees the end, it may lag behind. */
  private fitBox(): void {
    if (this.hops.length === this.boxed) return;
    this.boxed = this.hops.length;
    this.parts.box.style.height = `${this.boxed * rowHeight}px`;
  }

  private render(): void {
    const beyond = this.offset < 1 ? 0 : spare;
    const first = Math.max(0, Math.min(Math.floor(this.offset / rowHeight), this.hops.length) - beyond);
    const count = Math.min(Math.ceil(this.height / rowHeight) + 2 * beyond, this.hops.length - first);
    if (first !== this.first) { this.first = first; this.window.style.top = `${first * rowHeight}px`; }
    this.resize(count);
    this.carry(first);
    let active = '';
    this.rows.forEach((row, index) => {
      const hop = this.hops[first + index];
      if (hop === undefined) return;
      const selected = hop.key === this.selected;
      row.show(hop, { index: first + index, selected, wide: this.parts.wide, room: this.room });
      if (selected) active = row.element.id;
    });
    const { scroller } = this.parts;
    if ((scroller.getAttribute('aria-activedescendant') ?? '') === active) return;
    if (active === '') scroller.removeAttribute('aria-activedescendant');
    else scroller.setAttribute('aria-activedescendant', active);
  }

  private resize(count: number): void {
    while (this.rows.length < count) {
      const row = createRow();
      this.rows.push(row);
      this.window.append(row.element);
    }
    for (const row of this.rows.splice(Math.max(0, count))) row.element.remove();
  }

  /** Rows whose request is still in sight keep it: those that fell out at one end go on at the other. */
  private carry(first: number): void {
    const now = this.hops.indexOf(this.rows[0]?.hop() as Hop, first) - first;
    if (now > 0 && now < this.rows.length) {
      const moved = this.rows.splice(this.rows.length - now);
      this.rows.unshift(...moved);
      this.window.prepend(...moved.map(({ element }) => element));
      return;
    }
    const before = this.rows.findIndex(row => row.hop() === this.hops[first]);
    if (before <= 0) return;
    const moved = this.rows.splice(0, before);
    this.rows.push(...moved);
    this.window.append(...moved.map(({ element }) => element));
  }
}
