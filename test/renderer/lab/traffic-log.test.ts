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
});
