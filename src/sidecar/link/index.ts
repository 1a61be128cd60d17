export { handleLink, linkTier } from './handle-link.ts';
export type { Address, Link, LinkReader, Memory } from './link.ts';
export { socketLink, SocketLink } from './socket-link.ts';
export { splice, type SpliceResult } from './splice.ts';
export { turn } from './turn.ts';
