import { describe, expect, it } from 'vitest';
import type { Operation } from '../../../src/contract/index.ts';
import { initialState, reduce, type LabEvent, type LabState } from '../../../renderer/lab/state.ts';
import { createFakeLab } from '../../fakes/lab.ts';

const after = (...events: readonly LabEvent[]): LabState => events.reduce((state, event) => reduce(state, event, 5), initialState(1));
const labs = [{ name: 'old', phase: 'stopped', pods: 0, ready: 0 }, { name: 'bookinfo', phase: 'running', pods: 6, ready: 6 }] as const;

describe('the mirror of core', () => {
  it('shows the lab that runs, and stays with it while it exists', () => {
    const state = after({ kind: 'labs', labs });
    expect(state.lab).toBe('bookinfo');
    expect(reduce(state, { kind: 'labs', labs: [{ ...labs[0], phase: 'running' }, labs[1]] }, 6).lab).toBe('bookinfo');
    expect(reduce(state, { kind: 'labs', labs: [labs[0]] }, 6).lab).toBe('old');
    expect(reduce(state, { kind: 'labs', labs: [] }, 6).lab).toBeUndefined();
  });

  it('takes nothing from other labs', async () => {
    const { lab, stop } = createFakeLab({ every: 0 });
    const status = await lab.status({ lab: 'bookinfo' });
    stop();
    expect(after({ kind: 'labs', labs }, { kind: 'status', status }).status).toBe(status);
    expect(after({ kind: 'labs', labs }, { kind: 'status', status }).heard).toBe(5);
    expect(after({ kind: 'labs', labs }, { kind: 'status', status: { ...status, name: 'old' } }).status).toBeUndefined();
  });

  it('forgets one lab when another is chosen', async () => {
    const { lab, stop } = createFakeLab({ every: 0 });
    const status = await lab.status({ lab: 'bookinfo' });
    stop();
    const state = after({ kind: 'labs', labs }, { kind: 'status', status }, { kind: 'select', lab: 'old' });
    expect(state).toMatchObject({ lab: 'old', status: undefined, graph: undefined, heard: 0 });
  });

  it('keeps what is shown when the connection is lost', () => {
    const state = after({ kind: 'labs', labs }, { kind: 'connection', connection: { state: 'lost', since: 3 } });
    expect(state).toMatchObject({ lab: 'bookinfo', connection: { state: 'lost' } });
  });

  it('drops finished operations before running ones', () => {
    const operation = (id: string, state: Operation['state']): LabEvent => ({ kind: 'operation', operation: { id, lab: 'bookinfo', title: id, state, steps: [] } });
    const state = after(operation('runs', 'running'), ...Array.from({ length: 30 }, (_, index) => operation(`done-${index}`, 'done')));
    expect(Object.keys(state.operations)).toHaveLength(20);
    expect(state.operations['runs']).toBeDefined();
    expect(state.operations['done-29']).toBeDefined();
  });
});
