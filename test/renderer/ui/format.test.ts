import { describe, expect, it } from 'vitest';
import { diffLines } from '../../../renderer/ui/diff.tsx';
import * as format from '../../../renderer/ui/format.ts';
import { createKeyMap, keyName } from '../../../renderer/ui/keys.tsx';

describe('numbers', () => {
  it('are as short as they can be read', () => {
    expect([0.04, 0.4, 5, 5.23, 38.4, 999.6, 7000, 12_300, 120_000].map(format.duration)).toEqual(['0.0 ms', '0.4 ms', '5 ms', '5.2 ms', '38 ms', '1.00 s', '7.00 s', '12.3 s', '2 min']);
    expect([0, 0.4, 9.96, 42, 1234].map(format.rate)).toEqual(['0', '0.4', '10', '42', '1.2k']);
    expect([0, 0.004, 0.12, 1].map(format.share)).toEqual(['0 %', '0.4 %', '12 %', '100 %']);
    expect([format.count(1, 'pod'), format.count(1300, 'pod')]).toEqual(['1 pod', '1,300 pods']);
    expect([500, 12_000, 240_000].map(format.age)).toEqual(['now', '12 s ago', '4 min ago']);
  });
});

describe('a diff', () => {
  it('numbers its lines and keeps two of context', () => {
    const text = (weight: number): string => ['a', 'b', 'c', 'd', `weight: ${weight}`, 'e', 'f', 'g'].join('\n');
    expect(diffLines({ path: 'x', before: text(50), after: text(80) }).map(line => `${line.line}${line.kind === 'added' ? '+' : line.kind === 'removed' ? '-' : ' '}${line.text}`))
      .toEqual(['3 c', '4 d', '5-weight: 50', '5+weight: 80', '6 e', '7 f']);
  });
});

describe('the keyboard map', () => {
  const event = (key: string): KeyboardEvent => ({ key, ctrlKey: false, metaKey: false, altKey: false, isComposing: false, defaultPrevented: false, target: null, preventDefault: () => undefined }) as unknown as KeyboardEvent;
  it('asks the newest binding first, and the next when that declines', () => {
    const said: string[] = [];
    const map = createKeyMap();
    const binding = (name: string, takes: boolean) => ({ key: 'x', title: name, group: 'Anywhere' as const, run: () => { said.push(name); return takes; } });
    map.add([binding('first', true)]);
    const remove = map.add([binding('second', false)]);
    globalThis.HTMLElement ??= class {} as typeof HTMLElement;
    expect(map.press(event('x'))).toBe(true);
    remove();
    map.press(event('x'));
    expect(said).toEqual(['second', 'first', 'first']);
    expect(map.press(event('y'))).toBe(false);
  });

  it('names keys alike on all platforms', () => {
    expect([keyName({ key: 'K', ctrlKey: true, metaKey: false }), keyName({ key: ' ', ctrlKey: false, metaKey: false })]).toEqual(['mod+k', 'Space']);
  });
});
