import { expect, test } from 'vitest';
import { RestartPauses } from '../../../src/core/pods/restart-pauses.ts';

const second = 1000;

test('a container that fails again and again waits twice as long each time, up to five minutes', () => {
  const pauses = new RestartPauses();
  let now = 0;
  const waits: number[] = [];
  for (let restarts = 0; restarts < 8; restarts += 1) {
    const begun = now;
    while (!pauses.due('a', now)) now += second;
    waits.push((now - begun) / second);
    pauses.restarted('a', now);
  }
  expect(waits).toEqual([0, 10, 20, 40, 80, 160, 300, 300]);
  expect(pauses.due('another', now)).toBe(true);
});

test('what has run for ten minutes begins anew', () => {
  const pauses = new RestartPauses();
  for (const at of [0, 10, 30]) pauses.restarted('a', at * second);
  expect(pauses.due('a', 60 * second)).toBe(false);
  pauses.restarted('a', 630 * second);
  expect(pauses.due('a', 639 * second)).toBe(false);
  expect(pauses.due('a', 640 * second)).toBe(true);
});
