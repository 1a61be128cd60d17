import { LabFailure, schemas, toLabError, type LabApi, type LabError } from '../contract/index.ts';
import { callLab } from '../rpc/index.ts';

/** Methods whose answer comes as events: they need the WebSocket. */
const streaming: ReadonlySet<string> = new Set(['logs', 'exec', 'write', 'resize', 'close', 'watch', 'unwatch']);

/** One call over plain HTTP: the method's result as JSON, or a LabError with the status that fits it. */
export interface CallResult {
  readonly status: number;
  readonly body: unknown;
}

/** Calls a method by name with an argument from outside: the name is looked up in the allow-list, the argument is checked against its schema. */
export async function callMethod(api: LabApi, name: string, argument: unknown): Promise<CallResult> {
  try {
    if (!Object.hasOwn(schemas, name)) throw new LabFailure('not-found', `There is no method ${JSON.stringify(name)}.`);
    if (streaming.has(name)) throw new LabFailure('usage', `${name} answers with events.`, { help: 'Open the WebSocket /api instead.' });
    const result = await callLab(api, name, argument);
    return { status: 200, body: result ?? null };
  } catch (thrown) {
    const error = toLabError(thrown);
    return { status: statusOf(error), body: { error } };
  }
}

function statusOf(error: LabError): number {
  switch (error.code) {
    case 'usage': case 'manifest-invalid': case 'manifest-unreadable': return 400;
    case 'not-found': case 'lab-not-found': case 'pod-not-found': return 404;
    case 'consent-required': case 'lab-exists': return 409;
    case 'timeout': return 504;
    case 'internal': return 500;
    default: return 503;
  }
}
