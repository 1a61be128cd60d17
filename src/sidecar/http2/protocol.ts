/** Numbers of HTTP/2, RFC 9113. */

/** Section 6. */
export const frameType = { data: 0, headers: 1, priority: 2, reset: 3, settings: 4, pushPromise: 5, ping: 6, goaway: 7, windowUpdate: 8, continuation: 9 } as const;

/** Flags of frames; what a bit means depends on the frame's type. */
export const flag = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

/** Section 7. */
export const errorCode = {
  none: 0, protocol: 1, internal: 2, flowControl: 3, settingsTimeout: 4, streamClosed: 5, frameSize: 6, refusedStream: 7, cancel: 8, compression: 9, connect: 10, enhanceYourCalm: 11,
} as const;

/** Section 6.5.2; the last is RFC 8441's. */
export const setting = { headerTableSize: 1, enablePush: 2, maxConcurrentStreams: 3, initialWindowSize: 4, maxFrameSize: 5, maxHeaderListSize: 6, enableConnectProtocol: 8 } as const;

/** What a client says first, section 3.4. */
export const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** Largest payload that we take and send; the least that everybody must take. */
export const maxFrameSize = 16_384;

/** Window of a stream and of a connection before anybody says otherwise. */
export const defaultWindow = 65_535;
export const maxWindow = 0x7fff_ffff;
export const maxStreamId = 0x7fff_ffff;

/** The peer broke the protocol in a way that ends the connection. */
export class ConnectionError extends Error {
  readonly code: number;
  /** In the words of RESPONSE_CODE_DETAILS. */
  readonly details: string;

  constructor(code: number, details: string) {
    super(details);
    this.name = 'ConnectionError';
    this.code = code;
    this.details = details;
  }
}

/** Whether a connection speaks HTTP/2 by what TLS agreed on; `required`: only if it was agreed on, else unless HTTP/1.1 was. */
export function speaksHttp2(alpn: string | undefined, required: boolean): boolean {
  if (alpn === 'h2' || alpn === 'istio-h2') return true;
  return !required && (alpn === undefined || alpn === '');
}
