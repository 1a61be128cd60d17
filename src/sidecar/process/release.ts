import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { libcFunction } from './libc.ts';

/** V8's collector. `last-resort` collects again and again, and gives up what is only kept because it may serve again. */
type Collect = (options: { readonly type: 'major'; readonly execution: 'sync'; readonly flavor: 'last-resort' | 'regular' }) => void;

/** How V8 collects after the start: also the compiled form of functions that were not called since the collection before, and with all that is left moved together. */
const thoroughly = ['--bytecode-old-age=1', '--flush-baseline-code', '--compact-on-every-full-gc'];
const asUsual = ['--bytecode-old-age=6', '--no-flush-baseline-code', '--no-compact-on-every-full-gc'];
/** `MADV_DONTNEED`, from Linux' `mman.h`. */
const dontNeed = 4;
/** Mappings below this many kilobytes are left alone. */
const worthwhile = 256;

/**
 * Gives memory back to the system: garbage, the allocator's free pages, and of the program's own file those pages that the start has touched. The latter stay in the
 * system's cache, are not read again, and come back one by one as they are used. `undefined` where the process cannot do so.
 */
export function memoryRelease(): ((thorough: boolean) => void) | undefined {
  if (process.platform !== 'linux') return undefined;
  const trim = libcFunction('int malloc_trim(size_t pad)');
  const advise = libcFunction('int madvise(uintptr_t address, size_t length, int advice)');
  return (thorough) => {
    collectGarbage(thorough);
    trim(0);
    for (const { address, length } of cleanMappings(readFileSync('/proc/self/smaps', 'utf8'))) advise(address, length, dontNeed);
  };
}

/**
 * V8 shows its collector to contexts that are made while a flag is set. All flags are put back: with others on the command line or later, Node would not take
 * the compiled form of its own modules that it brings along, but make and keep another one.
 */
function collectGarbage(thorough: boolean): void {
  const flags = thorough ? { set: ['--expose-gc', ...thoroughly], reset: ['--no-expose-gc', ...asUsual] } : { set: ['--expose-gc'], reset: ['--no-expose-gc'] };
  flags.set.forEach(setFlagsFromString);
  try {
    const collect = runInNewContext('gc') as Collect;
    for (let round = thorough ? 2 : 1; round > 0; round--) collect({ type: 'major', execution: 'sync', flavor: thorough ? 'last-resort' : 'regular' });
  } finally {
    flags.reset.forEach(setFlagsFromString);
  }
}

/** A range of the process' addresses. */
export interface Mapping {
  readonly address: number;
  readonly length: number;
}

/** Mappings of files that cannot be written and in which no page differs from its file: what is dropped of them is found there again. Source: proc_pid_smaps(5). */
export function cleanMappings(smaps: string): readonly Mapping[] {
  return smaps.split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/).flatMap((block) => {
    const [, from = '', to = ''] = /^([0-9a-f]+)-([0-9a-f]+) r-[-x]p [0-9a-f]+ \S+ [1-9]\d*\s+\//.exec(block) ?? [];
    if (from === '' || kilobytes(block, 'Anonymous') !== 0 || kilobytes(block, 'Private_Dirty') !== 0 || (kilobytes(block, 'Rss') ?? 0) < worthwhile) return [];
    const address = Number.parseInt(from, 16);
    return [{ address, length: Number.parseInt(to, 16) - address }];
  });
}

function kilobytes(block: string, field: string): number | undefined {
  const found = new RegExp(`^${field}: +(\\d+) kB$`, 'm').exec(block)?.[1];
  return found === undefined ? undefined : Number(found);
}
