import { describe, expect, it } from 'vitest';
import { edit, forget, noDrafts, overlay, pathProblem } from '../../../renderer/views/manifests/drafts.ts';

const held = [{ path: 'a.yaml', text: 'a: 1' }, { path: 'net/b.yaml', text: 'b: 1' }];
const states = (drafts: Parameters<typeof overlay>[1], files = held): unknown => Object.fromEntries(overlay(files, drafts).map(({ path, state }) => [path, state]));

describe('drafts over the lab’s files', () => {
  it('keep what is edited apart from what is held', () => {
    const drafts = edit(edit(noDrafts, 'a.yaml', 'a: 2', 'a: 1'), 'c.yaml', 'c: 1', undefined);
    expect(states(drafts)).toEqual({ 'a.yaml': 'edited', 'c.yaml': 'new', 'net/b.yaml': 'same' });
  });

  it('are none when the text is as the lab has it', () => {
    const drafts = edit(edit(noDrafts, 'a.yaml', 'a: 2', 'a: 1'), 'a.yaml', 'a: 1', 'a: 1');
    expect(drafts).toEqual(noDrafts);
  });

  it('say so when somebody else changed the file underneath', () => {
    const drafts = edit(noDrafts, 'a.yaml', 'a: 2', 'a: 1');
    expect(states(drafts, [{ path: 'a.yaml', text: 'a: 3' }])).toEqual({ 'a.yaml': 'overtaken' });
    expect(states(drafts, [{ path: 'a.yaml', text: 'a: 2' }])).toEqual({ 'a.yaml': 'same' });
  });

  it('are forgotten by path', () => {
    const drafts = edit(edit(noDrafts, 'a.yaml', 'a: 2', 'a: 1'), 'c.yaml', 'c: 1', undefined);
    expect(states(forget(drafts, ['a.yaml', 'c.yaml']))).toEqual({ 'a.yaml': 'same', 'net/b.yaml': 'same' });
  });
});

describe('a new file’s path', () => {
  const files = overlay(held, noDrafts);
  it.each(['x.yaml', 'net/x.yml', 'deep/er/x.json'])('may be %s', (path) => expect(pathProblem(path, files)).toBeUndefined());
  it.each(['', 'x.txt', '/x.yaml', '../x.yaml', 'a/../x.yaml', 'a//x.yaml', './x.yaml', 'a\\x.yaml', 'C:x.yaml', 'a.yaml'])('may not be “%s”', (path) => expect(pathProblem(path, files)).toBeTypeOf('string'));
});
