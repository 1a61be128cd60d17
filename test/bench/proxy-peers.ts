import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { build } from 'esbuild';
import { sidecarNode } from '../../src/core/pods/sidecar-node.ts';
import type { WorkerNode } from './container-node.ts';
import { benchConfig } from './proxy-config.ts';
import type { WorkerSettings } from './proxy-worker.ts';

/** One contestant: the processes whose CPU counts, and where to call. */
export interface Contestant {
  readonly name: 'weft' | 'sockets' | 'nginx' | 'haproxy' | 'node';
  readonly port: number;
  readonly pids: () => readonly number[];
}

/** What starts the contestants and ends them again. */
export class Peers {
  readonly #dir: string;
  readonly #node: WorkerNode;
  readonly #children: ChildProcess[] = [];
  #nextPort = 12_000 + (process.pid % 1000) * 20;
  #pem: { readonly chain: string; readonly key: string; readonly roots: string } | undefined;
  #bundle: string | undefined;

  /** `node` runs what is written for it. */
  constructor(dir: string, node: WorkerNode) {
    this.#dir = dir;
    this.#node = node;
    mkdirSync(dir, { recursive: true });
    // Workers of the peers run as another user.
    chmodSync(dir, 0o755);
  }

  port(): number { return this.#nextPort++; }

  /** The service behind the proxies: nginx, from memory and from a file. */
  async backend(): Promise<number> {
    const port = this.port();
    mkdirSync(join(this.#dir, 'www'), { recursive: true });
    writeFileSync(join(this.#dir, 'www', '64k'), Buffer.alloc(65_536, 'x'));
    await this.#nginx('backend', `server { listen 127.0.0.1:${port} backlog=1024; root ${join(this.#dir, 'www')}; location = /200 { default_type text/plain; return 200 "${'x'.repeat(200)}"; } }`, port);
    return port;
  }

  /** The same service in HTTP/2. */
  async http2Backend(): Promise<number> {
    const port = this.port();
    await this.#nginx('backend-h2', `server { listen 127.0.0.1:${port} http2 backlog=1024; http2_max_concurrent_streams 512; root ${join(this.#dir, 'www')}; location = /200 { default_type text/plain; return 200 "${'x'.repeat(200)}"; } }`, port);
    return port;
  }

  async weftHttp2(backend: number): Promise<Contestant> {
    const port = this.port();
    const child = await this.#worker({ listen: port, upstream: backend, side: 'alone', tier: 'handles', http2: true });
    return { name: 'weft', port, pids: () => [child] };
  }

  /** A proxy on `node:http2` as one would write it. */
  async nodeHttp2(backend: number): Promise<Contestant> {
    const port = this.port();
    const child = await this.#start(this.#node.path, [new URL('http2-worker.mjs', import.meta.url).pathname, String(port), String(backend)], port);
    return { name: 'node', port, pids: () => [child] };
  }

  async weft(backend: number, tier: WorkerSettings['tier'] = 'handles'): Promise<Contestant> {
    const port = this.port();
    const child = await this.#worker({ listen: port, upstream: backend, side: 'alone', tier });
    return { name: nameOf(tier), port, pids: () => [child] };
  }

  async weftPair(backend: number, tier: WorkerSettings['tier'] = 'handles'): Promise<Contestant> {
    const [near, far] = [this.port(), this.port()];
    const pids = [await this.#worker({ listen: far, upstream: backend, side: 'server', tier }), await this.#worker({ listen: near, upstream: far, side: 'client', tier })];
    return { name: nameOf(tier), port: near, pids: () => pids };
  }

  async nginx(backend: number): Promise<Contestant> {
    const port = this.port();
    const master = await this.#nginx('hop', proxyServer(`listen 127.0.0.1:${port} backlog=1024;`, backend, 'http', ''), port);
    return { name: 'nginx', port, pids: () => children(master) };
  }

  async nginxPair(backend: number): Promise<Contestant> {
    const [near, far] = [this.port(), this.port()];
    const { cert, key, roots } = this.#files();
    const tls = `ssl_certificate ${cert}; ssl_certificate_key ${key}; ssl_protocols TLSv1.3;`;
    const server = await this.#nginx('far', proxyServer(`listen 127.0.0.1:${far} ssl backlog=1024; ${tls} ssl_verify_client on; ssl_client_certificate ${roots}; keepalive_requests 1000000;`, backend, 'http', ''), far);
    const client = await this.#nginx('near', proxyServer(`listen 127.0.0.1:${near} backlog=1024;`, far, 'https', `proxy_ssl_certificate ${cert}; proxy_ssl_certificate_key ${key}; proxy_ssl_protocols TLSv1.3; proxy_ssl_verify on; proxy_ssl_verify_depth 2; proxy_ssl_trusted_certificate ${roots}; proxy_ssl_name weft; proxy_ssl_server_name on;`), near);
    return { name: 'nginx', port: near, pids: () => [...children(server), ...children(client)] };
  }

  async haproxy(backend: number): Promise<Contestant> {
    const port = this.port();
    const pid = await this.#haproxy('hop', `bind 127.0.0.1:${port}`, `127.0.0.1:${backend}`, port);
    return { name: 'haproxy', port, pids: () => [pid] };
  }

  async haproxyPair(backend: number): Promise<Contestant> {
    const [near, far] = [this.port(), this.port()];
    const { both, roots } = this.#files();
    const server = await this.#haproxy('far', `bind 127.0.0.1:${far} ssl crt ${both} ca-file ${roots} verify required ssl-min-ver TLSv1.3`, `127.0.0.1:${backend}`, far);
    const client = await this.#haproxy('near', `bind 127.0.0.1:${near}`, `127.0.0.1:${far} ssl crt ${both} ca-file ${roots} verify required ssl-min-ver TLSv1.3`, near);
    return { name: 'haproxy', port: near, pids: () => [server, client] };
  }

  /** Ends them all, and waits until they are gone. */
  async stop(): Promise<void> {
    await Promise.all(this.#children.map((child) => new Promise<void>((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) {
        resolve();
        return;
      }
      child.once('exit', () => resolve());
      child.kill('SIGTERM');
    })));
  }

  async #worker(settings: Omit<WorkerSettings, 'config' | 'pem'>): Promise<number> {
    this.#bundle ??= await this.#build();
    const { cert, key, roots } = this.#files();
    this.#pem ??= { chain: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8'), roots: readFileSync(roots, 'utf8') };
    const profile = process.env['PROFILE'] === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${process.env['PROFILE']}`];
    return this.#start(this.#node.path, [...sidecarNode.flags, ...profile, this.#bundle, JSON.stringify({ ...settings, config: benchConfig(settings.side), pem: this.#pem })], settings.listen, sidecarNode.env);
  }

  async #build(): Promise<string> {
    const outfile = join(this.#dir, 'worker.mjs');
    await build({
      entryPoints: [new URL('proxy-worker.ts', import.meta.url).pathname], outfile, bundle: true, platform: 'node', format: 'esm', target: 'node20', logLevel: 'error',
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    });
    return outfile;
  }

  #nginx(name: string, server: string, port: number): Promise<number> {
    const config = join(this.#dir, `nginx-${name}-${port}.conf`);
    const dirs = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${join(this.#dir, `tmp-${kind}`)};`).join(' ');
    writeFileSync(config, `daemon off; worker_processes 1; pid ${join(this.#dir, `nginx-${name}-${port}.pid`)}; error_log /dev/null crit; events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; keepalive_timeout 3600s; sendfile on; tcp_nodelay on; ${dirs} ${server} }`);
    return this.#start('nginx', ['-p', this.#dir, '-c', config], port);
  }

  #haproxy(name: string, bind: string, server: string, port: number): Promise<number> {
    const config = join(this.#dir, `haproxy-${name}-${port}.cfg`);
    writeFileSync(config, `global\n  nbthread 1\n  maxconn 4096\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n  http-reuse always\nfrontend f\n  ${bind}\n  default_backend b\nbackend b\n  option forwardfor\n  http-request set-header x-request-id %[uuid]\n  server s ${server}\n`);
    return this.#start('haproxy', ['-db', '-f', config], port);
  }

  async #start(command: string, args: readonly string[], port: number, env: Readonly<Record<string, string>> = {}): Promise<number> {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...env } });
    this.#children.push(child);
    for (let tries = 0; ; tries++) {
      if (await listens(port)) return child.pid as number;
      if (tries > 200 || child.exitCode !== null) throw new Error(`${command} does not listen on ${port}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  /** A mesh's root and one workload certificate of it, for all contestants. */
  #files(): { readonly cert: string; readonly key: string; readonly roots: string; readonly both: string } {
    const file = (name: string): string => join(this.#dir, name);
    const files = { cert: file('leaf.pem'), key: file('leaf.key'), roots: file('root.pem'), both: file('both.pem') };
    if (this.#pem !== undefined) return files;
    const openssl = (...args: string[]): void => { execFileSync('openssl', args, { stdio: 'ignore' }); };
    writeFileSync(file('leaf.ext'), 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=critical,URI:spiffe://cluster.local/ns/default/sa/default,DNS:weft\n'); // the name is for nginx
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file('root.key'), '-out', files.roots, '-days', '2', '-subj', '/O=cluster.local', '-addext', 'keyUsage=critical,keyCertSign,cRLSign');
    openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', files.key, '-out', file('leaf.csr'), '-subj', '/');
    openssl('x509', '-req', '-in', file('leaf.csr'), '-CA', files.roots, '-CAkey', file('root.key'), '-CAcreateserial', '-out', files.cert, '-days', '1', '-extfile', file('leaf.ext'));
    writeFileSync(files.both, readFileSync(files.cert, 'utf8') + readFileSync(files.key, 'utf8'));
    return files;
  }
}

/** Ours are called by what they run on, where that is not the usual. */
function nameOf(tier: WorkerSettings['tier']): Contestant['name'] {
  return tier === 'handles' ? 'weft' : tier;
}

function proxyServer(listen: string, upstream: number, scheme: 'http' | 'https', tls: string): string {
  return `upstream u${upstream} { server 127.0.0.1:${upstream}; keepalive 128; keepalive_requests 100000000; } server { ${listen} location / { proxy_pass ${scheme}://u${upstream}; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Request-Id $request_id; ${tls} } }`;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => { socket.destroy(); resolve(true); });
    socket.once('error', () => resolve(false));
  });
}

/** Workers of an nginx master. */
function children(master: number): readonly number[] {
  return readFileSync(`/proc/${master}/task/${master}/children`, 'utf8').trim().split(' ').map(Number);
}
