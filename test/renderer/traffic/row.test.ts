// @vitest-environment jsdom
import { describe, expect, it } from 'vitest';
import type { Hop } from '../../../renderer/lab/index.ts';
import { createRow, type Row } from '../../../renderer/views/traffic/row.ts';
import { bookinfoScenario } from '../../fakes/scenario.ts';

const [record] = bookinfoScenario(() => ({ faults: [], weights: [], mtls: {} })).page(1000).filter(each => each.reporter === 'source' && each.status === 200);
if (record === undefined) throw new Error('The page had no request.');
const hop = (sequence: number, change: Partial<Hop['record']> = {}): Hop => ({ key: `k${sequence}`, sequence, record: { ...record, ...change }, others: [], outcome: 'ok' });
const place = { index: 0, selected: false, wide: true, room: { who: 40, what: 20 } };

function watched(row: Row): () => number {
  const watch = new MutationObserver(() => undefined);
  watch.observe(row.element, { subtree: true, childList: true, attributes: true, characterData: true });
  return () => watch.takeRecords().length;
}

describe('a row of the stream', () => {
  it('touches the page only where a request reads otherwise than the one before', () => {
    const row = createRow();
    row.show(hop(1), place);
    const mutations = watched(row);
    row.show(hop(2), place); // The id of the row.
    expect(mutations()).toBe(1);
    row.show(hop(3, { time: record.time + 5, duration: record.duration + 300 }), place);
    expect(mutations()).toBe(3);
  });

  it('clips only what may be too long for its column', () => {
    const row = createRow();
    row.show(hop(1, { method: 'GET', path: '/short' }), place);
    expect(row.element.querySelectorAll('[data-long]')).toHaveLength(0);
    row.show(hop(2, { path: '/a/path/that/has/no/end/at/all' }), place);
    expect(row.element.querySelectorAll('[data-long]')).toHaveLength(1);
    row.show(hop(3), { ...place, room: { who: 4, what: 200 } });
    expect(row.element.querySelectorAll('[data-long]')).toHaveLength(1);
  });
});
