export { IncomingBody, ReadyBody, type BodySource } from './body.ts';
export { Http1Client, type ClientOwner } from './client.ts';
export { Headers } from './headers.ts';
export { IdleTimer } from './idle-timer.ts';
export { ProtocolError } from './protocol-error.ts';
export { isAuthority, type RequestHead, type RequestLine } from './request-head.ts';
export { farewellTime, Http1Server, type RequestProgress, type ServerExchange, type ServerLimits, type ServerSession } from './server.ts';
