import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Leaf } from '../../fakes/ca.ts';

const execute = promisify(execFile);
const docker = async (...args: readonly string[]): Promise<string> => (await execute('docker', [...args], { timeout: 60_000 })).stdout.trim();

/** What the server outside shows of itself and asks of its callers. */
export interface OutsideShape {
  /** The lab that it can be reached from. */
  readonly lab: string;
  /** Names by which it is found, as hosts of the internet are. */
  readonly hosts: readonly string[];
  readonly certificate: Leaf;
  /** Callers of port 8443 must have a certificate of this authority, PEM. */
  readonly clientRoot: string;
}

/** A server outside of the mesh. */
export interface Outside {
  /** Where it is found without a name. */
  readonly address: string;
  /** Removes it and its network. */
  stop(): Promise<void>;
}

/** HTTP on 80, HTTPS on 443, HTTPS with client certificates on 8443, and on 3128 a proxy that takes CONNECT and is every host itself. It says what it was asked, how, and by whom; `/delay/N` takes N seconds. */
const program = `
const { cert, key, ca } = JSON.parse(process.env.OUTSIDE);
const answer = (how) => (request, response) => {
  const delay = /^\\/delay\\/(\\d+)$/.exec(request.url);
  const client = how === 'mutual' ? request.socket.getPeerCertificate().subjectaltname : '';
  setTimeout(() => response.end(['outside', how, request.headers.host, request.url, request.socket.servername || '', client].join(' ')), delay ? delay[1] * 1000 : 0);
};
require('node:http').createServer(answer('plain')).listen(80);
const { createServer } = require('node:https');
createServer({ cert, key }, answer('tls')).listen(443);
createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: true }, answer('mutual')).listen(8443);
require('node:http').createServer(answer('proxy')).on('connect', (request, socket) => {
  const server = require('node:net').connect(Number(request.url.split(':')[1]), '127.0.0.1', () => { socket.write('HTTP/1.1 200 Connection established\\r\\n\\r\\n'); server.pipe(socket).pipe(server); });
  for (const end of [socket, server]) end.on('error', () => { socket.destroy(); server.destroy(); });
}).listen(3128);
`;

/** Starts the server on a network of its own; the lab's network reaches it by its names, as a way to the internet would. */
export async function startOutside({ lab, hosts, certificate, clientRoot }: OutsideShape): Promise<Outside> {
  const name = `${lab}-outside`;
  const stop = async (): Promise<void> => {
    await docker('rm', '-f', '-v', name).catch(() => '');
    await docker('network', 'rm', name).catch(() => '');
  };
  await stop();
  const [container = ''] = (await docker('ps', '-q', '--filter', `label=dev.weft.lab=${lab}`)).split('\n');
  const network = `weft-${lab}`;
  const image = await docker('inspect', '-f', '{{.Image}}', container);
  const subnet = await docker('network', 'inspect', '-f', '{{(index .IPAM.Config 0).Subnet}}', network);
  await docker('network', 'create', name);
  await docker('run', '-d', '--name', name, '--network', name, '--sysctl', 'net.ipv4.ip_unprivileged_port_start=0', '--memory', '128m', '--entrypoint', 'node',
    '-e', `OUTSIDE=${JSON.stringify({ cert: certificate.certificate, key: certificate.key, ca: clientRoot })}`, image, '-e', program);
  const address = lastOfLowerHalf(subnet);
  await docker('network', 'connect', '--ip', address, ...hosts.flatMap((host) => ['--alias', host]), network, name);
  return { address, stop };
}

/** Pods are given addresses from below, virtual IPs are the upper half. */
function lastOfLowerHalf(subnet: string): string {
  const [base = '', bits] = subnet.split('/');
  const first = base.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const last = first + 2 ** (31 - Number(bits)) - 2;
  return [24, 16, 8, 0].map((shift) => Math.floor(last / 2 ** shift) % 256).join('.');
}

/** curl on this machine: what it printed, or `exit N` when no answer came. */
export async function curl(...args: readonly string[]): Promise<string> {
  return await new Promise((resolve) => {
    execFile('curl', ['-sS', '-m', '10', ...args], { timeout: 15_000 }, (error, stdout) => { resolve(error === null ? stdout : `exit ${String(error.code)}`); });
  });
}
