export { serveHttp, type HttpConnection } from './connection.ts';
export { ask } from './ask.ts';
