import type { Socket } from 'node:net';
import type { Address } from '../link/link.ts';
import { libcFunction } from '../process/libc.ts';

/** Tells where a captured connection was meant to go; `undefined` when the kernel does not know. */
export type OriginalDestination = (socket: Socket) => Address | undefined;

const SOL_IP = 0;
const SO_ORIGINAL_DST = 80;
const AF_INET = 2;

/**
 * Reads the original destination with `getsockopt(SO_ORIGINAL_DST)` (Linux, IPv4). Node has no call for it, so libc is called
 * on the socket's file descriptor, which Node keeps in `_handle.fd`.
 */
export function kernelOriginalDestination(): OriginalDestination {
  const getsockopt = libcFunction('int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint32_t *length)');
  return (socket) => {
    const fd = (socket as unknown as { _handle?: { fd?: number } })._handle?.fd;
    if (fd === undefined || fd < 0) return undefined;
    const address = Buffer.alloc(16);
    const code = getsockopt(fd, SOL_IP, SO_ORIGINAL_DST, address, [address.length]);
    return code === 0 ? socketAddress(address) : undefined;
  };
}

/** Decodes a `sockaddr_in`: family in the machine's order, then port and address in the network's. */
export function socketAddress(bytes: Buffer): Address | undefined {
  const family = bytes.readUInt8(0) | (bytes.readUInt8(1) << 8);
  if (family !== AF_INET && family !== AF_INET << 8) return undefined;
  return { ip: bytes.subarray(4, 8).join('.'), port: bytes.readUInt16BE(2) };
}
