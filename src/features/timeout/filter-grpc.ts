import type { HttpRequest } from '../../sidecar/hooks.ts';

const units: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000_001 };

/** Whether a request is gRPC by its content type. */
export function isGrpc({ headers }: HttpRequest): boolean {
  return headers.get('content-type')?.startsWith('application/grpc') === true;
}

/** What the caller gives the call, in milliseconds: `grpc-timeout`, at most eight digits and a unit. `undefined` without one that can be read. Source: gRPC over HTTP/2. */
export function grpcTimeout({ headers }: HttpRequest): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(headers.get('grpc-timeout') ?? '');
  return match === null ? undefined : Number(match[1]) * (units[match[2] as string] as number);
}

/** The shorter of the caller's time and the most that the config grants; 0 on either side is no limit. */
export function granted(asked: number | undefined, most: number): number {
  if (asked === undefined || asked === 0) return most;
  return most === 0 ? asked : Math.min(asked, most);
}
