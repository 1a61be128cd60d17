import { createHash } from 'node:crypto';
import type { Endpoint, TlsFiles } from './engine.ts';

/** What the search may know of the host; passed in, so that a table can stand for every kind of machine. */
export interface HostProbes {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly home: string;
  /** Numeric user; `undefined` on Windows. */
  readonly uid: number | undefined;
  /** A file's text, or `undefined` when it cannot be read. */
  readText(path: string): string | undefined;
}

/** A place where an engine may listen, or why what was configured cannot be used. */
export type Candidate = Endpoint | { readonly source: string; readonly unusable: string };

/**
 * Places to try, best first. As the docker command does, DOCKER_HOST decides alone, then the chosen context;
 * unlike it, the known sockets of the desktop engines follow, so that a machine without a docker command works too.
 */
export function candidates(host: HostProbes): readonly Candidate[] {
  const explicit = host.env['DOCKER_HOST'];
  if (explicit !== undefined && explicit !== '') return [parseHost(explicit, 'DOCKER_HOST', hostTls(host))];
  const context = chosenContext(host);
  const sockets: readonly Endpoint[] = knownSockets(host).map(([source, socket]) => ({ source, address: { socket } }));
  return unique(context === undefined ? sockets : [context, ...sockets]);
}

/** The sockets of the engines that we know, by platform. */
export function knownSockets({ env, platform, home, uid }: HostProbes): readonly (readonly [source: string, socket: string])[] {
  if (platform === 'win32') {
    return [
      ['Docker Desktop', '//./pipe/dockerDesktopLinuxEngine'], ['Docker', '//./pipe/docker_engine'],
      ['Rancher Desktop', '//./pipe/rancher_desktop'], ['Podman', '//./pipe/podman-machine-default'],
    ];
  }
  const runtime = env['XDG_RUNTIME_DIR'] ?? `/run/user/${uid ?? 0}`;
  const colima = env['COLIMA_HOME'] ?? `${home}/.colima`;
  const mac = platform === 'darwin';
  return [
    ['Docker', '/var/run/docker.sock'],
    ['Docker Desktop', mac ? `${home}/.docker/run/docker.sock` : `${home}/.docker/desktop/docker.sock`],
    ['OrbStack', `${home}/.orbstack/run/docker.sock`],
    ['Colima', `${colima}/default/docker.sock`], ['Colima', `${home}/.config/colima/default/docker.sock`],
    ['Rancher Desktop', `${home}/.rd/docker.sock`],
    ...(mac ? [
      ['Podman', `${home}/.local/share/containers/podman/machine/podman.sock`] as const,
      ['Podman', `${home}/.local/share/containers/podman/machine/qemu/podman.sock`] as const,
    ] : [
      ['rootless Docker', `${runtime}/docker.sock`] as const, ['rootless Docker', `${home}/.docker/run/docker.sock`] as const,
      ['rootless Podman', `${runtime}/podman/podman.sock`] as const, ['Podman', '/run/podman/podman.sock'] as const,
    ]),
  ];
}

/** Reads `unix:///…`, `npipe:////./pipe/…`, `tcp://host:port`, `http(s)://…`; ssh is said to be unusable. */
export function parseHost(text: string, source: string, tls: TlsFiles | undefined): Candidate {
  if (text.startsWith('unix://')) return { source, address: { socket: text.slice('unix://'.length) || '/var/run/docker.sock' } };
  if (text.startsWith('npipe://')) return { source, address: { socket: text.slice('npipe://'.length).replaceAll('\\', '/') } };
  if (text.startsWith('/')) return { source, address: { socket: text } };
  if (text.startsWith('ssh://')) return { source, unusable: `${text}: an engine behind ssh cannot publish the lab’s ports on this machine` };
  const url = URL.canParse(text) && text.includes('//') ? new URL(text) : URL.canParse(`tcp://${text}`) ? new URL(`tcp://${text}`) : undefined;
  if (url === undefined || !['tcp:', 'http:', 'https:'].includes(url.protocol) || url.hostname === '') {
    return { source, unusable: `${text}: not an address like unix:///var/run/docker.sock or tcp://127.0.0.1:2375` };
  }
  const secure = url.protocol === 'https:' || tls !== undefined;
  if (secure && tls === undefined) return { source, unusable: `${text}: TLS needs DOCKER_CERT_PATH with ca.pem, cert.pem and key.pem` };
  const port = url.port === '' ? (secure ? 2376 : 2375) : Number(url.port);
  return { source, address: { host: url.hostname.replace(/^\[|\]$/g, ''), port, ...(tls === undefined ? {} : { tls }) } };
}

function hostTls({ env, home }: HostProbes): TlsFiles | undefined {
  if ((env['DOCKER_TLS_VERIFY'] ?? '') === '' && env['DOCKER_CERT_PATH'] === undefined) return undefined;
  return tlsIn(env['DOCKER_CERT_PATH'] ?? `${home}/.docker`);
}

function tlsIn(folder: string): TlsFiles {
  return { ca: `${folder}/ca.pem`, cert: `${folder}/cert.pem`, key: `${folder}/key.pem` };
}

/** The context named by DOCKER_CONTEXT or chosen with `docker context use`; `default` and none mean the known sockets. */
function chosenContext(host: HostProbes): Candidate | undefined {
  const folder = host.env['DOCKER_CONFIG'] ?? `${host.home}/.docker`;
  const name = host.env['DOCKER_CONTEXT'] ?? stringAt(json(host.readText(`${folder}/config.json`)), ['currentContext']);
  if (name === undefined || name === '' || name === 'default') return undefined;
  const source = `docker context ${name}`;
  // The CLI files contexts under the hash of their names, so a hostile name cannot leave the folder.
  const id = createHash('sha256').update(name).digest('hex');
  const address = stringAt(json(host.readText(`${folder}/contexts/meta/${id}/meta.json`)), ['Endpoints', 'docker', 'Host']);
  if (address === undefined) return { source, unusable: `${folder}/contexts has no context “${name}”` };
  const tls = `${folder}/contexts/tls/${id}/docker`;
  return parseHost(address, source, host.readText(`${tls}/ca.pem`) === undefined ? undefined : tlsIn(tls));
}

function json(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try { return JSON.parse(text) as unknown; } catch (error) { if (error instanceof SyntaxError) return undefined; throw error; }
}

function stringAt(value: unknown, path: readonly string[]): string | undefined {
  const found = path.reduce<unknown>((at, key) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined), value);
  return typeof found === 'string' ? found : undefined;
}

function unique(all: readonly Candidate[]): readonly Candidate[] {
  const seen = new Set<string>();
  return all.filter((candidate) => {
    const key = 'address' in candidate ? JSON.stringify(candidate.address) : candidate.source;
    return !seen.has(key) && seen.add(key) !== undefined;
  });
}
