export { serveHttp, type HttpConnection } from './connection.ts';
export { ask } from './ask.ts';
export type { DownstreamCounters } from './counters.ts';
