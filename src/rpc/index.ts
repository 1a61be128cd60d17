/** The one RPC of the lab, free of Node: LabApi over any channel. NDJSON over sockets is in `lines.ts`, for Node only. */
export { memoryChannels, pipeChannel, type Channel, type Pipe } from './channel.ts';
export { webSocketChannel, type WebSocketLike } from './web-socket.ts';
export { createPeer, type Peer, type PeerOptions } from './peer.ts';
export { callLab, serveLabApi } from './lab-server.ts';
export { connectLabApi, type LabClient } from './lab-client.ts';
