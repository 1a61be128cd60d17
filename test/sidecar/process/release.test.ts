import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cleanMappings } from '../../../src/sidecar/process/release.ts';

const mapping = (head: string, { rss = 4000, dirty = 0, anonymous = 0 }: { rss?: number; dirty?: number; anonymous?: number } = {}): string =>
  `${head}\nSize:               8192 kB\nRss:                ${rss} kB\nPss:                 400 kB\nPrivate_Clean:         0 kB\nPrivate_Dirty:         ${dirty} kB\nAnonymous:             ${anonymous} kB\nVmFlags: rd ex mr mw me`;

test.each<[string, string, boolean]>([
  ['code of a program', mapping('00400000-00c00000 r-xp 00349000 00:2a 1234                       /usr/local/bin/node'), true],
  ['constants of a program', mapping('00400000-00c00000 r--p 02e01000 00:2a 1234                       /usr/local/bin/node'), true],
  ['code that was changed, as a debugger does', mapping('00400000-00c00000 r-xp 00349000 00:2a 1234                       /usr/local/bin/node', { dirty: 4, anonymous: 4 }), false],
  ['constants that the loader has filled in', mapping('00400000-00c00000 r--p 02e01000 00:2a 1234                       /usr/local/bin/node', { anonymous: 8 }), false],
  ['data', mapping('00400000-00c00000 rw-p 02e01000 00:2a 1234                       /usr/local/bin/node'), false],
  ['a shared mapping', mapping('00400000-00c00000 r--s 02e01000 00:2a 1234                       /dev/shm/x'), false],
  ['memory of no file', mapping('00400000-00c00000 r--p 00000000 00:00 0 '), false],
  ['the kernel’s own', mapping('00400000-00c00000 r-xp 00000000 00:00 0                          [vdso]'), false],
  ['what is hardly there', mapping('00400000-00c00000 r-xp 00349000 00:2a 1234                       /usr/lib/libm.so.6', { rss: 100 }), false],
])('of %s, pages are dropped: %#', (_, smaps, dropped) => {
  expect(cleanMappings(smaps)).toEqual(dropped ? [{ address: 0x400000, length: 0x800000 }] : []);
});

test('all mappings of a process are read', () => {
  const code = '00400000-00c00000 r-xp 00349000 00:2a 1234                       /usr/local/bin/node';
  expect(cleanMappings([mapping(code), mapping('7f0000000000-7f0000800000 rw-p 00000000 00:00 0 '), mapping(code.replace('00400000-00c00000', '7f1000000000-7f1000800000'))].join('\n'))).toEqual([{ address: 0x400000, length: 0x800000 }, { address: 0x7f1000000000, length: 0x800000 }]);
});

test.runIf(process.platform === 'linux')('a process that gives memory back has less of it and goes on', () => {
  const script = `
    const { memoryRelease } = await import(${JSON.stringify(join(import.meta.dirname, '../../../src/sidecar/process/release.ts'))});
    let kept = Array.from({ length: 400_000 }, (_, at) => ({ at, text: 'item ' + at }));
    const release = memoryRelease();
    const before = process.memoryUsage.rss();
    kept = kept.slice(0, 10);
    release(true);
    release(false);
    console.log(JSON.stringify({ less: before - process.memoryUsage.rss(), kept: kept.at(-1).text, collector: typeof globalThis.gc, json: JSON.parse('{"a":1}').a }));`;
  const { less, ...rest } = JSON.parse(execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { encoding: 'utf8', cwd: join(import.meta.dirname, '../../..') })) as { less: number };
  expect(rest).toEqual({ kept: 'item 9', collector: 'undefined', json: 1 });
  expect(less).toBeGreaterThan(30_000_000);
}, 30_000);
