import type { PeerRow } from './gateway-api-cases.ts';
import type { Arrival, Exchanged } from './gateway-api-exchange.ts';

/** How an answer differs from what a row wants; `undefined` when it does not. A row that wants neither backend nor answer must be refused by a gateway that asks for a certificate. */
export function difference(row: PeerRow, arrival: Arrival, got: Exchanged): string | undefined {
  if (row.Backend === undefined && row.Response === undefined && row.RedirectRequest === undefined && row.ExpectedRequest === undefined) return got.status === 0 ? undefined : `status ${got.status} where the connection has to be refused`;
  const wanted = row.Response?.StatusCode ?? 200;
  if (typeof wanted === 'number' && row.Response?.StatusCodes === undefined && got.status !== wanted) return `status ${got.status}, not ${wanted}`;
  if (row.RedirectRequest !== undefined) return redirectDifference(row.RedirectRequest, arrival, got.location ?? '');
  for (const [name, value] of Object.entries(row.Response?.Headers ?? {})) if (got.responseHeaders.get(name.toLowerCase())?.join(',') !== value) return `response header ${name} is ${got.responseHeaders.get(name.toLowerCase())?.join(',') ?? 'missing'}`;
  for (const name of row.Response?.AbsentHeaders ?? []) if (got.responseHeaders.has(name.toLowerCase())) return `response header ${name} is there`;
  return got.status === 200 ? requestDifference(row, arrival, got) : undefined;
}

function requestDifference(row: PeerRow, arrival: Arrival, got: Exchanged): string | undefined {
  const { Request, ExpectedRequest, Backend, Namespace } = row;
  const expected = ExpectedRequest?.Request;
  if (typeof Backend === 'string' && got.backend?.name.startsWith(Backend) !== true) return `backend ${got.backend?.name ?? 'none'}, not ${Backend}`;
  if (typeof Namespace === 'string' && got.backend?.namespace !== Namespace) return `namespace ${got.backend?.namespace ?? 'none'}, not ${Namespace}`;
  const path = expected?.Path ?? (typeof Request.Path === 'string' ? arrival.path : undefined);
  if (path !== undefined && got.path !== path) return `path ${got.path ?? ''}, not ${path}`;
  if (expected?.Host !== undefined && got.host !== expected.Host) return `host ${got.host ?? ''}, not ${expected.Host}`;
  for (const [name, value] of Object.entries({ ...(expected === undefined ? Request.Headers : {}), ...expected?.Headers })) if (name !== 'Host' && got.requestHeaders?.get(name.toLowerCase())?.join(',') !== value) return `header ${name} is ${got.requestHeaders?.get(name.toLowerCase())?.join(',') ?? 'missing'}`;
  for (const name of ExpectedRequest?.AbsentHeaders ?? []) if (got.requestHeaders?.has(name.toLowerCase()) === true) return `header ${name} is there`;
  const { mirrors } = got;
  for (const { BackendRef } of row.MirroredTo ?? []) if (mirrors !== undefined && !mirrors.some((cluster) => cluster.includes(`|${BackendRef.Name}.${BackendRef.Namespace ?? ''}`))) return `not mirrored to ${BackendRef.Name}`;
  return undefined;
}

/** What a Location does not name is the request's own; the well-known port of a scheme is as good as none. */
function redirectDifference(wanted: NonNullable<PeerRow['RedirectRequest']>, arrival: Arrival, location: string): string | undefined {
  const { protocol, hostname, port, pathname } = new URL(location, `${arrival.secure ? 'https' : 'http'}://${arrival.authority}`);
  if (wanted.Scheme !== undefined && protocol !== `${wanted.Scheme}:`) return `location ${location} has not scheme ${wanted.Scheme}`;
  if (wanted.Host !== undefined && hostname !== wanted.Host) return `location ${location} has not host ${wanted.Host}`;
  if ((wanted.Port ?? '') !== port && !(wanted.Port === undefined && wanted.Scheme === undefined)) return `location ${location} has not port ${wanted.Port ?? ''}`;
  return wanted.Path !== undefined && pathname !== wanted.Path ? `location ${location} has not path ${wanted.Path}` : undefined;
}
