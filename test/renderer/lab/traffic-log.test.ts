import { afterEach, describe, expect, it, vi } from 'vitest';
import { TrafficLog } from '../../../renderer/lab/traffic-log.ts';
import { bookinfoScenario } from '../../fakes/scenario.ts';

const records = bookinfoScenario(() => ({ faults: [], weights: [], mtls: {} })).page(1000);

describe('the live requests', () => {
  afterEach(() => { vi.unstubAllGlobals(); });

  it('leave the frames in which they are shown to themselves', () => {
    const frames: (() => void)[] = [];
    const tell: (() => void)[] = [];
    const happened: string[] = [];
    vi.stubGlobal('requestAnimationFrame', (run: () => void) => frames.push(run));
    const log = new TrafficLog({ nextFrame: run => { tell.push(run); return () => undefined; } });
    log.subscribe(() => happened.push('requests'));
    log.between(() => happened.push('figures at once'));
    frames.splice(0).forEach(run => { run(); });
    log.add(records, undefined, true);
    log.between(() => happened.push('figures after'));
    expect(frames).toEqual([]);
    tell.splice(0).forEach(run => { run(); });
    expect(happened).toEqual(['figures at once', 'requests']);
    frames.splice(0).forEach(run => { run(); });
    expect(happened).toEqual(['figures at once', 'requests', 'figures after']);
  });

  it('are shown a frame after a big batch, whose taking in is one frame’s work', () => {
    const frames: (() => void)[] = [];
    const tell: (() => void)[] = [];
    let told = 0;
    vi.stubGlobal('requestAnimationFrame', (run: () => void) => frames.push(run));
    vi.stubGlobal('document', { hidden: false });
    const log = new TrafficLog({ nextFrame: run => { tell.push(run); return () => undefined; } });
    log.subscribe(() => { told += 1; });
    const scenario = bookinfoScenario(() => ({ faults: [], weights: [], mtls: {} }));
    log.add([1, 2, 3, 4, 5].flatMap(time => scenario.page(time)), undefined, true);
    log.add(scenario.page(6), undefined, true);
    tell.splice(0).forEach(run => { run(); });
    expect([told, frames.length]).toEqual([0, 1]);
    frames.splice(0).forEach(run => { run(); });
    expect(told).toBe(1);
  });
});
