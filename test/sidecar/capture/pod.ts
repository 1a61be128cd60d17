/**
 * Runs inside a network namespace of its own (see rules.test.ts): builds what a pod's network looks like, applies the capture rules and
 * prints one JSON object with what became of each try.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { applyCapture } from '../../../src/sidecar/capture/apply.ts';
import { kernelOriginalDestination } from '../../../src/sidecar/capture/original-destination.ts';
import { captureSettings } from '../../../src/contract/index.ts';

const podIp = '10.99.0.2';
const sh = (command: string): string => execFileSync('sh', ['-c', command], { encoding: 'utf8' });

/** Connects as `uid`; resolves with the first line that the far end says, or the error. */
function call(uid: number, host: string, port: number, localAddress = ''): Promise<string> {
  const script = `const s=require('net').connect({host:${JSON.stringify(host)},port:${port}${localAddress === '' ? '' : `,localAddress:'${localAddress}'`}});s.setTimeout(2000,()=>{console.log('timeout');process.exit()});s.on('data',d=>{console.log(String(d));process.exit()});s.on('error',e=>{console.log(e.code);process.exit()})`;
  return output(uid, script);
}

function ask(uid: number, host: string): Promise<string> {
  return output(uid, `const s=require('dgram').createSocket('udp4');s.on('message',m=>{console.log(String(m));process.exit()});s.on('error',e=>{console.log(e.code);process.exit()});setTimeout(()=>{console.log('timeout');process.exit()},2000);s.send('?',53,${JSON.stringify(host)})`);
}

function output(uid: number, script: string): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['-e', script], { uid, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => { text += chunk.toString(); });
    child.on('close', () => { resolve(text.trim()); });
  });
}

async function serve(name: string, port: number, host = '0.0.0.0'): Promise<void> {
  const server = createServer((socket) => {
    const destination = originalDestination(socket);
    socket.on('error', () => undefined);
    socket.end(`${name} ${destination?.ip}:${destination?.port}`);
  }).listen(port, host);
  await once(server, 'listening');
}

async function answer(name: string, port: number, host = '0.0.0.0'): Promise<void> {
  const socket = createSocket('udp4');
  socket.on('message', (_, from) => { socket.send(name, from.port, from.address); });
  socket.bind(port, host);
  await once(socket, 'listening');
}

const originalDestination = kernelOriginalDestination();
sh(`ip link set lo up; ip link add pod0 type veth peer name bridge0; ip addr add ${podIp}/24 dev pod0; ip link set pod0 up; ip link set bridge0 up; ip route add default via 10.99.0.1; echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start`);
const docker = process.argv[2] ?? 'iptables';
sh(`${docker} -t nat -N DOCKER_OUTPUT; ${docker} -t nat -A OUTPUT -d 127.0.0.11/32 -j DOCKER_OUTPUT; ${docker} -t nat -A DOCKER_OUTPUT -d 127.0.0.11/32 -p udp --dport 53 -j DNAT --to-destination 127.0.0.11:40053; ${docker} -t nat -A DOCKER_OUTPUT -d 127.0.0.11/32 -p tcp --dport 53 -j DNAT --to-destination 127.0.0.11:40053`);
await serve('outbound', 15001);
await serve('inbound', 15006);
await serve('dns-tcp', 15053, '127.0.0.1');
await serve('app', 8080);
await serve('docker-tcp', 40053, '127.0.0.11');
await answer('dns', 15053, '127.0.0.1');
await answer('docker', 40053, '127.0.0.11');

const settings = captureSettings({ 'traffic.sidecar.istio.io/excludeOutboundPorts': '8443', 'traffic.sidecar.istio.io/excludeOutboundIPRanges': '10.98.0.0/16' });
const backend = await applyCapture(settings, 1337);
await applyCapture(settings, 1337);
const app = 1000;
const proxy = 1337;
const tries = {
  'app → service': await call(app, '10.99.0.77', 9080),
  'app → outside': await call(app, '93.184.215.14', 80),
  'app → excluded port of its pod': await call(app, podIp, 8080),
  'app → loopback': await call(app, '127.0.0.1', 8080),
  'proxy → its own pod': await call(proxy, podIp, 8080),
  'proxy → its application': await call(proxy, podIp, 8080, '127.0.0.6'),
  'proxy → loopback': await call(proxy, '127.0.0.1', 8080),
  'app DNS': await ask(app, '127.0.0.11'),
  'app DNS elsewhere': await ask(app, '8.8.8.8'),
  'app DNS by TCP': await call(app, '127.0.0.11', 53),
  'proxy DNS': await ask(proxy, '127.0.0.11'),
  'proxy DNS by TCP': await call(proxy, '127.0.0.11', 53),
};
const jumps = sh(`${backend === 'legacy' ? 'iptables-legacy-save' : 'iptables-nft-save'} -t nat`).split('\n').filter((line) => line.startsWith('-A OUTPUT') || line.startsWith('-A PREROUTING'));
console.log(JSON.stringify({ backend, tries, jumps }));
process.exit(0);
