import { describe, expect, it } from 'vitest';
import { applyFiles, changesBetween, deleteFiles } from '../../../src/core/lab/merge-files.ts';

const service = (name: string, extra = ''): string => `apiVersion: v1\nkind: Service\nmetadata:\n  name: ${name}\n${extra}`;

describe('applying files to a lab', () => {
  it('replaces a file of the same path and keeps its place', () => {
    const held = [{ path: 'a.yaml', text: service('a') }, { path: 'b.yaml', text: service('b') }];
    const after = applyFiles(held, [{ path: 'a.yaml', text: service('a', 'spec: {}\n') }]);
    expect(after.map((file) => file.path)).toEqual(['a.yaml', 'b.yaml']);
    expect(changesBetween(held, after).map((change) => change.path)).toEqual(['a.yaml']);
  });

  it('takes a resource out of the old file when a new one brings it', () => {
    const held = [{ path: 'all.yaml', text: `${service('a')}---\n${service('b')}` }];
    const after = applyFiles(held, [{ path: 'new.yaml', text: service('a', 'spec: {}\n') }]);
    expect(after).toEqual([{ path: 'all.yaml', text: service('b') }, { path: 'new.yaml', text: service('a', 'spec: {}\n') }]);
  });

  it('finds a resource whose name is written with escapes, or as a number', () => {
    const held = [{ path: 'escaped.yaml', text: service('"\\x61bc"') }, { path: 'number.yaml', text: service('0x10') }, { path: 'other.yaml', text: service('other') }];
    expect(applyFiles(held, [{ path: 'new.yaml', text: `${service('abc')}---\n${service('16')}` }]).map((file) => file.path)).toEqual(['other.yaml', 'new.yaml']);
  });

  it('deletes what the given files hold and nothing else', () => {
    const held = [{ path: 'all.yaml', text: `${service('a')}---\n${service('b')}` }, { path: 'list.yaml', text: `apiVersion: v1\nkind: List\nitems:\n- ${service('c').replaceAll('\n', '\n  ').trimEnd()}\n- ${service('d').replaceAll('\n', '\n  ').trimEnd()}\n` }];
    const after = deleteFiles(held, [{ path: 'x.yaml', text: `${service('b')}---\n${service('c')}` }]);
    expect(after[0]?.text).toBe(service('a'));
    expect(after[1]?.text).not.toContain('name: c');
    expect(after[1]?.text).toContain('name: d');
    expect(deleteFiles(after, [{ path: 'x.yaml', text: service('a') }]).map((file) => file.path)).toEqual(['list.yaml']);
  });
});
