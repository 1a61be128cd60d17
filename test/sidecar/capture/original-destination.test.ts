import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { kernelOriginalDestination, socketAddress } from '../../../src/sidecar/capture/original-destination.ts';

test('a socket address is decoded in network order', () => {
  expect(socketAddress(Buffer.from([2, 0, 0x1f, 0x90, 10, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0]))).toEqual({ ip: '10.1.2.3', port: 8080 });
  expect(socketAddress(Buffer.from([10, 0, 0x1f, 0x90, 10, 1, 2, 3]))).toBeUndefined();
});

test.runIf(process.platform === 'linux')('a connection that was not captured has no other destination', async () => {
  const read = kernelOriginalDestination();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect(port, '127.0.0.1');
  const [socket] = await once(server, 'connection') as [Socket];
  const destination = read(socket);
  expect(destination === undefined || destination.port === port).toBe(true);
  client.destroy();
  socket.destroy();
  expect(read(socket)).toBeUndefined();
  server.close();
});
