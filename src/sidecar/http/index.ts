export { serveHttp, type HttpConnection } from './connection.ts';
