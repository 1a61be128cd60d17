import type { Diagnostic } from '../manifest/index.ts';
import type { ErrorCode, LabError } from './lab.ts';

/** An expected failure inside core: carries the stable code and what to do. Crosses wires as a LabError. */
export class LabFailure extends Error {
  override readonly name = 'LabFailure';
  readonly code: ErrorCode;
  readonly help: string | undefined;
  readonly diagnostics: readonly Diagnostic[] | undefined;

  constructor(code: ErrorCode, message: string, options: { help?: string; diagnostics?: readonly Diagnostic[]; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.help = options.help;
    this.diagnostics = options.diagnostics;
  }

  toJSON(): LabError {
    return {
      code: this.code, message: this.message,
      ...(this.help === undefined ? {} : { help: this.help }),
      ...(this.diagnostics === undefined ? {} : { diagnostics: this.diagnostics }),
    };
  }
}

/** Any thrown value as a LabError; what is not expected is `internal`. */
export function toLabError(error: unknown): LabError {
  if (error instanceof LabFailure) return error.toJSON();
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
}
