import type { Diagnostic } from '../manifest/index.ts';
import type { LabError, LabStatus } from '../contract/index.ts';

/** Where a command prints, and how: passed in so that tests can read it. */
export interface Terminal {
  readonly json: boolean;
  /** Colours and progress lines are for people at a terminal. */
  readonly interactive: boolean;
  /** A line of result. */
  out(text: string): void;
  /** Result bytes as they are. */
  write(text: string): void;
  /** A line of progress or trouble. */
  err(text: string): void;
}

/** Left-aligned columns, two spaces apart, as kubectl prints them. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  return [header, ...rows].map((row) => row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  ').trimEnd()).join('\n');
}

/** `file:line:column  level  code  message`, as compilers print it, with the advice below. */
function diagnosticLine({ file, line, column, level, code, message, help, resource }: Diagnostic): string {
  const place = file === '' ? '' : `${file}:${line}:${column}  `;
  return `${place}${level}  ${code}  ${resource === undefined ? '' : `${resource}: `}${message}${help === undefined ? '' : `\n    ${help}`}`;
}

/** Diagnostics as lines, in the order in which somebody reads the files. */
export function diagnosticLines(diagnostics: readonly Diagnostic[]): string[] {
  const files = [...new Set(diagnostics.map((one) => one.file))];
  const order = (one: Diagnostic, other: Diagnostic): number => files.indexOf(one.file) - files.indexOf(other.file) || one.line - other.line || one.column - other.column;
  return diagnostics.toSorted(order).map(diagnosticLine);
}

/** What, why, what to do. */
export function errorText({ code, message, help, diagnostics }: LabError): string {
  return [`${message} [${code}]`, ...(help === undefined ? [] : [help]), ...diagnosticLines(diagnostics ?? [])].join('\n');
}

export function milliseconds(value: number): string {
  return value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;
}

/** `1 error`, `2 errors`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** Where a lab is reached from this machine: the URL of its ingress first, then every other port of its gateways. */
export function ingressLines({ ingressUrl, ingress }: Pick<LabStatus, 'ingressUrl' | 'ingress'>): string[] {
  const others = ingress.filter(({ hostPort }) => !ingressUrl.endsWith(`:${hostPort}`));
  return [...(ingressUrl === '' ? [] : [ingressUrl]), ...others.map(({ hostPort, port, name }) => `127.0.0.1:${hostPort} (port ${port} of the gateway, ${name})`)];
}
