import { describe, expect, it } from 'vitest';
import type { LabApi, Operation } from '../../../src/contract/index.ts';
import { freeName, startLab, type Starting } from '../../../renderer/views/first-run/start-lab.ts';

describe('a name for a lab', () => {
  it.each([['bookinfo', [], 'bookinfo'], ['bookinfo', ['bookinfo'], 'bookinfo-2'], ['bookinfo', ['bookinfo', 'bookinfo-2'], 'bookinfo-3'], ['My Shop.yaml', [], 'my-shop'], ['§', [], 'lab'], ['x'.repeat(80), [], 'x'.repeat(36)]])(
    '%s beside %j is %s', (wanted, taken, name) => expect(freeName(wanted, taken)).toBe(name));
});

describe('starting', () => {
  const operation: Operation = { id: '1', lab: 'shop', title: 'Start shop', state: 'running', steps: [] };
  const play = (): { starting: Starting; end(state: Operation['state']): void; asked: unknown[]; listeners: Set<unknown> } => {
    const listeners = new Set<(state: never) => void>();
    const asked: unknown[] = [];
    let current = operation;
    const state = (): never => ({ operations: { 1: current } }) as never;
    const api = { up: async () => operation, load: async (request: unknown) => { asked.push(request); } } as unknown as LabApi;
    return {
      asked, listeners,
      starting: { api, store: { getState: state, subscribe: (listener) => { listeners.add(listener); return () => { listeners.delete(listener); }; } } },
      end: (next) => { current = { ...operation, state: next }; for (const listener of [...listeners]) listener(state()); },
    };
  };

  it('sends some traffic once the lab runs, and then stops listening', async () => {
    const { starting, end, asked, listeners } = play();
    await startLab(starting, { lab: 'shop', files: [] }, '/productpage');
    end('running');
    expect(asked).toEqual([]);
    end('done');
    expect(asked).toEqual([{ lab: 'shop', rps: 5, url: '/productpage' }]);
    expect(listeners.size).toBe(0);
  });

  it.each(['failed', 'cancelled'] as const)('sends none when it %s', async (state) => {
    const { starting, end, asked, listeners } = play();
    await startLab(starting, { lab: 'shop', files: [] }, '/productpage');
    end(state);
    expect([asked, listeners.size]).toEqual([[], 0]);
  });
});
