import { describe, expect, it, vi } from 'vitest';
import { createMirror } from '../../../renderer/lab/mirror.ts';
import { createFakeLab } from '../../fakes/lab.ts';

describe('the connection', () => {
  it('mirrors the lab, says when it is lost, and connects again by itself', async () => {
    const fake = createFakeLab({ every: 0 });
    const ends: ((end: { retry: boolean; message: string }) => void)[] = [];
    const retries: (() => void)[] = [];
    const mirror = createMirror({
      now: () => 1, nextFrame: run => { run(); return () => undefined; }, later: run => { retries.push(run); return () => undefined; },
      connect: () => Promise.resolve({ lab: fake.lab, close: () => undefined, closed: new Promise(resolve => { ends.push(resolve); }) }),
    });
    await vi.waitFor(() => expect(mirror.store.getState().status?.name).toBe('bookinfo'));
    expect(mirror.store.getState().connection.state).toBe('live');
    ends[0]?.({ retry: true, message: 'gone' });
    await vi.waitFor(() => expect(mirror.store.getState().connection).toMatchObject({ state: 'lost', message: 'gone' }));
    await expect(mirror.api.labs({})).rejects.toThrow('not connected');
    retries[0]?.();
    await vi.waitFor(() => expect(mirror.store.getState().connection.state).toBe('live'));
    mirror.stop();
    fake.stop();
  });

  it('does not try again with a key that was refused', async () => {
    const fake = createFakeLab({ every: 0 });
    const retries: (() => void)[] = [];
    const mirror = createMirror({
      now: () => 1, nextFrame: run => { run(); return () => undefined; }, later: run => { retries.push(run); return () => undefined; },
      connect: () => Promise.resolve({ lab: fake.lab, close: () => undefined, closed: Promise.resolve({ retry: false, message: 'refused' }) }),
    });
    await vi.waitFor(() => expect(mirror.store.getState().connection.state).toBe('refused'));
    expect(retries).toHaveLength(0);
    mirror.stop();
    fake.stop();
  });
});
