import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Probe, ProbeAction } from '../../contract/index.ts';
import type { Clock } from '../hooks.ts';
import { askHealth } from './grpc.ts';

/** Where probes go: the pod's own address, from a source address that capture lets pass. */
export interface ProbeTarget {
  readonly host: string;
  readonly localAddress: string | undefined;
}

const longestHead = 16 * 1024;

/** What can be tried over a connection. */
export type NetworkAction = Exclude<ProbeAction, { exec: unknown }>;

/** Tries a probe once; resolves with `undefined` when it succeeded, else with what was wrong, in words. */
export function tryProbe({ timeout }: Pick<Probe, 'timeout'>, action: NetworkAction, target: ProbeTarget, clock: Clock): Promise<string | undefined> {
  const { port } = 'http' in action ? action.http : 'grpc' in action ? action.grpc : action.tcp;
  return new Promise((resolve) => {
    const socket = connect({ host: target.host, port, ...(target.localAddress === undefined ? {} : { localAddress: target.localAddress }) });
    const finish = (problem: string | undefined): void => {
      cancel();
      socket.destroy();
      resolve(problem);
    };
    const cancel = clock.after(timeout * 1000, () => { finish(`no answer within ${timeout} s`); });
    socket.on('error', (error) => { finish(error.message); });
    socket.on('close', () => { finish('the connection was closed'); });
    socket.once('connect', () => {
      if ('tcp' in action) finish(undefined);
      else if ('grpc' in action) askHealth(socket, `${target.host}:${port}`, action.grpc.service, finish);
      else ask(action.http, socket, target.host, finish);
    });
  });
}

type HttpAction = Extract<ProbeAction, { http: unknown }>['http'];

/** As the kubelet: certificates are not verified, any status from 200 to 399 will do. */
function ask(action: HttpAction, socket: Socket, host: string, finish: (problem: string | undefined) => void): void {
  const secured = action.scheme === 'HTTPS' ? connectTls({ socket, rejectUnauthorized: false }) : socket;
  let head = '';
  secured.on('error', (error) => { finish(error.message); });
  secured.on('data', (chunk: Buffer) => {
    head += chunk.toString('latin1');
    const status = /^HTTP\/1\.[01] (\d{3})[ \r\n]/.exec(head)?.[1];
    if (status !== undefined) finish(Number(status) >= 200 && Number(status) < 400 ? undefined : `status ${status}`);
    else if (head.length > longestHead || head.includes('\n')) finish('the answer is no HTTP');
  });
  secured.write(requestHead(action, host));
}

function requestHead({ path, headers, port }: HttpAction, host: string): string {
  const clean = (text: string): string => text.replace(/[\r\n\0]/g, '');
  const own = headers.some(([name]) => name.toLowerCase() === 'host') ? [] : [['Host', `${host}:${port}`] as const];
  const fields = [...own, ['User-Agent', 'kube-probe/1.34'], ['Accept', '*/*'], ...headers, ['Connection', 'close']] as const;
  return `GET ${clean(path.startsWith('/') ? path : `/${path}`).replaceAll(' ', '%20')} HTTP/1.1\r\n${fields.map(([name, value]) => `${clean(name)}: ${clean(value)}\r\n`).join('')}\r\n`;
}
