import { beforeEach, expect, test } from 'vitest';
import { startRest } from '../../../src/sidecar/process/rest.ts';
import { fakeClock, type FakeClock } from '../../fakes/clock.ts';

let clock: FakeClock;
let used = 0;
let rests: [atSecond: number, thorough: boolean][] = [];
let stop = (): void => undefined;
beforeEach(() => {
  clock = fakeClock(0);
  used = 150;
  rests = [];
  stop = startRest({ clock, used: () => used, release: (thorough) => { rests.push([clock.now() / 1000, thorough]); used += 60; } });
});

test('after the start it rests at the first quiet, thoroughly', async () => {
  used += 150;
  await clock.advance(2000);
  expect(rests).toEqual([]);
  await clock.advance(2000);
  expect(rests).toEqual([[4, true]]);
});

test('what little an idle process does, and the rest itself, are no reason for another one', async () => {
  for (let second = 0; second < 600; second += 2) { used += 10; await clock.advance(2000); }
  expect(rests).toEqual([[2, true]]);
});

test('after work it rests once half a minute was quiet, and keeps what is warm', async () => {
  await clock.advance(2000);
  used += 1000;
  await clock.advance(2000);
  for (let second = 0; second < 28; second += 2) await clock.advance(2000);
  expect(rests).toEqual([[2, true]]);
  await clock.advance(60_000);
  expect(rests).toEqual([[2, true], [34, false]]);
});

test('a change of config is work enough', async () => {
  await clock.advance(2000);
  used += 35;
  await clock.advance(60_000);
  expect(rests).toEqual([[2, true], [34, false]]);
});

test('while it works it does not rest, however long', async () => {
  for (let second = 0; second < 120; second += 2) { used += 50; await clock.advance(2000); }
  expect(rests).toEqual([]);
});

test('once stopped it never rests', async () => {
  stop();
  await clock.advance(60_000);
  expect(rests).toEqual([]);
});
