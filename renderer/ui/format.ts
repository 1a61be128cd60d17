/** Numbers and times as people read them. All pure. */

/** `0.4 ms`, `38 ms`, `1.20 s`, `2 min`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 0.95) return `${milliseconds.toFixed(1)} ms`;
  if (milliseconds < 9.95) return `${milliseconds.toFixed(1).replace(/\.0$/, '')} ms`;
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 59_950) return `${(milliseconds / 1000).toFixed(milliseconds < 9995 ? 2 : 1)} s`;
  return `${Math.round(milliseconds / 60_000)} min`;
}

/** A rate: `0`, `0.4`, `42`, `1.2k`. */
export function rate(perSecond: number): string {
  if (perSecond === 0) return '0';
  if (perSecond < 9.95) return perSecond.toFixed(1).replace(/\.0$/, '');
  if (perSecond < 999.5) return String(Math.round(perSecond));
  return `${(perSecond / 1000).toFixed(1)}k`;
}

/** A share of 0 to 1: `0 %`, `0.4 %`, `12 %`. */
export function share(value: number): string {
  const percent = value * 100;
  if (percent === 0) return '0 %';
  return `${percent < 9.95 ? percent.toFixed(1).replace(/\.0$/, '') : Math.round(percent)} %`;
}

/** Time of day in the person's own zone: `12:04:31.207`. */
export function clock(milliseconds: number): string {
  const date = new Date(milliseconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** `312 B`, `4.0 kB`, `1.2 MB`. */
export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  if (count < 1_000_000) return `${(count / 1000).toFixed(1)} kB`;
  return `${(count / 1_000_000).toFixed(1)} MB`;
}

/** How long ago: `now`, `12 s ago`, `3 min ago`. */
export function age(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 2) return 'now';
  if (seconds < 100) return `${seconds} s ago`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min ago` : `${Math.round(minutes / 60)} h ago`;
}

/** `1 pod`, `13 pods`. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}
