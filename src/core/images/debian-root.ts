import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { extract, pack, type Header, type Pack } from 'tar-stream';
import { LabFailure } from '../../contract/index.ts';
import { fetchPackage, readPackage } from './npm-package.ts';
import { applets, debianPackages, nodeVersion, unwantedPackages } from './recipe.ts';
import { runProgram, startProgram } from './run-program.ts';
import { readable } from './tar.ts';

/** For a root file system put together on a Debian-like host: an empty folder to work in. */
export interface AssemblyOptions {
  readonly folder: string;
  /** As in image references. */
  readonly architecture: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress: (text: string) => void;
}

/**
 * The root file system of an assembled base as a tar: Debian packages with all that they depend on, taken apart with dpkg-deb
 * (their installation scripts do not run; what the lab needs of them is done here), and Node from npm.
 * Nothing of the host's own files goes in, nothing is written outside of `folder`, and it takes no privileges.
 */
export async function assembleRoot(options: AssemblyOptions): Promise<Readable> {
  const { folder, architecture, signal, onProgress } = options;
  const processor = ({ amd64: 'x64', arm64: 'arm64' } as Readonly<Record<string, string>>)[architecture];
  if (processor === undefined) throw new LabFailure('image-unavailable', `No base image can be assembled for ${architecture}.`, { help: 'Give the engine access to a registry: the base is then pulled.' });
  onProgress('downloading Debian packages and Node');
  const [debs, archive] = await Promise.all([downloadDebs(folder, signal), fetchPackage(`node-linux-${processor}@${nodeVersion}`, folder, signal)]);
  const tar = pack();
  writeRoot(tar, debs, archive, options).then(() => { tar.finalize(); }, (error: unknown) => { tar.destroy(error as Error); });
  return readable(tar);
}

/** Downloads the packages as if nothing were installed, so that the closure is whole. Returns the files' paths. */
async function downloadDebs(folder: string, signal: AbortSignal | undefined): Promise<readonly string[]> {
  const status = join(folder, 'status');
  const archives = join(folder, 'archives');
  await mkdir(join(archives, 'partial'), { recursive: true });
  await writeFile(status, '');
  const base = ['-qq', '-o', `Dir::State::status=${status}`, '-o', `Dir::Cache=${folder}`, '-o', `Dir::Cache::archives=${archives}`, '-o', 'Debug::NoLocking=true',
    '-o', 'APT::Sandbox::User=', '-o', 'APT::Install-Recommends=false', '-o', 'Acquire::Retries=2', '-o', 'Acquire::http::Timeout=10'];
  const install = (extra: readonly string[]): Promise<string> => runProgram('apt-get', [...base, ...extra, '--download-only', '--yes', 'install', ...debianPackages], { signal });
  try {
    await install([]);
  } catch (error) {
    if (signal?.aborted === true) throw error;
    // The host has no package lists, or old ones: fetch our own, in our folder.
    const own = ['-o', `Dir::State::lists=${join(folder, 'lists')}`];
    await mkdir(join(folder, 'lists/partial'), { recursive: true });
    await runProgram('apt-get', [...base, ...own, 'update'], { signal });
    await install(own);
  }
  const unwanted: readonly string[] = unwantedPackages;
  return (await readdir(archives)).filter((name) => name.endsWith('.deb') && !unwanted.includes(name.split('_')[0] ?? '')).sort().map((name) => join(archives, name));
}

async function writeRoot(tar: Pack, debs: readonly string[], nodeArchive: string, options: AssemblyOptions): Promise<void> {
  const root = new RootWriter(tar);
  skeleton(root);
  const certificates: Buffer[] = [];
  for (const [index, deb] of debs.entries()) {
    options.onProgress(`unpacking package ${index + 1} of ${debs.length}`);
    await unpackDeb(root, deb, certificates, options.signal);
  }
  root.file('etc/ssl/certs/ca-certificates.crt', Buffer.concat(certificates));
  for (const name of ['iptables', 'iptables-restore', 'iptables-save', 'ip6tables', 'ip6tables-restore', 'ip6tables-save']) root.link(`usr/sbin/${name}`, 'xtables-nft-multi');
  for (const applet of applets) root.link(`usr/bin/${applet}`, 'busybox');
  options.onProgress('unpacking Node');
  for (const { content } of await readPackage(nodeArchive, (path) => path === 'bin/node')) root.file('usr/local/bin/node', content, 0o755);
}

/** The folders and files that Debian's own installer would have made. */
function skeleton(root: RootWriter): void {
  for (const folder of ['usr', 'usr/bin', 'usr/sbin', 'usr/lib', 'usr/lib64', 'usr/local', 'usr/local/bin', 'etc', 'etc/ssl', 'etc/ssl/certs', 'proc', 'sys', 'dev', 'root', 'home', 'run', 'var', 'var/run', 'mnt', 'opt', 'srv']) root.folder(folder);
  root.folder('tmp', 0o1777);
  root.folder('var/tmp', 0o1777);
  for (const name of merged) root.link(name, `usr/${name}`);
  root.file('etc/passwd', Buffer.from('root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\nnode:x:1000:1000::/home/node:/bin/sh\nistio-proxy:x:1337:1337::/tmp:/bin/sh\n'));
  root.file('etc/group', Buffer.from('root:x:0:\ntty:x:5:\nnogroup:x:65534:\nnode:x:1000:\nistio-proxy:x:1337:\n'));
  root.file('etc/nsswitch.conf', Buffer.from('passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n'));
  root.file('etc/profile', Buffer.from("export PATH=/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin\nPS1='\\h:\\w\\$ '\n"));
}

async function unpackDeb(root: RootWriter, deb: string, certificates: Buffer[], signal: AbortSignal | undefined): Promise<void> {
  const { output, ended } = startProgram('dpkg-deb', ['--fsys-tarfile', deb], { signal });
  const entries = output.pipe(extract());
  ended.catch((error: unknown) => { entries.destroy(error as Error); });
  for await (const entry of entries) {
    const header = entry.header as Header;
    const path = placeOf(header.name);
    if (path === undefined) { entry.resume(); continue; }
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    const content = Buffer.concat(chunks);
    if (path.startsWith('usr/share/ca-certificates/') && path.endsWith('.crt')) certificates.push(content);
    else root.entry(path, header, content);
  }
  await ended;
}

/** Folders that are links into `usr` on a current Debian; packages of before the merge still say `bin/…`. */
const merged = ['bin', 'sbin', 'lib', 'lib64'] as const;
const unwantedFolders = /^(usr\/share\/(doc|man|info|locale|lintian|bug|perl5|debconf|bash-completion|zsh|pixmaps|menu|libc-bin|base-files)|usr\/lib\/[^/]+\/(gconv|perl)|usr\/include|var\/lib\/dpkg|usr\/share\/doc-base)(\/|$)/;

/** Where a package's file goes, or `undefined` when the lab has no use for it. */
export function placeOf(name: string): string | undefined {
  const path = name.replace(/^\.?\//, '').replace(/\/$/, '');
  if (path === '' || path === '.' || path.split('/').includes('..')) return undefined;
  if ((merged as readonly string[]).includes(path)) return undefined;
  const place = merged.some((folder) => path.startsWith(`${folder}/`)) ? `usr/${path}` : path;
  return unwantedFolders.test(place) ? undefined : place;
}

/** Writes a root file system in which every path stands once; the first one wins. */
class RootWriter {
  readonly #tar: Pack;
  readonly #seen = new Set<string>();
  // Reproducible: no time of the host goes into the image.
  readonly #time = new Date(0);

  constructor(tar: Pack) { this.#tar = tar; }

  folder(path: string, mode = 0o755): void { this.#write({ name: path, type: 'directory', mode }); }
  file(path: string, content: Buffer, mode = 0o644): void { this.#write({ name: path, type: 'file', mode, size: content.length }, content); }
  link(path: string, target: string): void { this.#write({ name: path, type: 'symlink', mode: 0o777, linkname: target }); }

  /** As a package has it, owner and bits included. */
  entry(path: string, header: Header, content: Buffer): void {
    const linkname = header.type === 'link' ? placeOf(header.linkname ?? '') : header.linkname;
    this.#write({ name: path, type: header.type ?? 'file', mode: header.mode ?? 0o644, uid: header.uid ?? 0, gid: header.gid ?? 0, ...(linkname === undefined || linkname === null ? {} : { linkname }), size: content.length }, content);
  }

  #write(header: Partial<Header> & { readonly name: string }, content?: Buffer): void {
    if (this.#seen.has(header.name)) return;
    this.#seen.add(header.name);
    const whole = { uid: 0, gid: 0, mtime: this.#time, ...header };
    if (header.type === 'file' && content !== undefined) this.#tar.entry(whole, content);
    else this.#tar.entry({ ...whole, size: 0 });
  }
}
