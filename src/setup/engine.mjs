// Where no Docker engine answers on Debian or Ubuntu as root, installs and starts one; elsewhere says how. Returns how to stop what it started.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { quiet, step } from './run.mjs';

const socket = '/var/run/docker.sock';

/** True when something listens at the engine's usual places. Core's own preflight looks closer; this only decides whether to offer an installation. */
async function engineAnswers() {
  if (process.env.DOCKER_HOST !== undefined) return true;
  const home = process.env.HOME ?? '';
  const places = [socket, `${home}/.docker/run/docker.sock`, `${home}/.docker/desktop/docker.sock`, `${home}/.colima/default/docker.sock`, `${home}/.rd/docker.sock`,
    `${home}/.orbstack/run/docker.sock`, `${process.env.XDG_RUNTIME_DIR ?? '/run/user/0'}/docker.sock`, `${process.env.XDG_RUNTIME_DIR ?? '/run/user/0'}/podman/podman.sock`, '/run/podman/podman.sock'];
  for (const place of places) if (existsSync(place) && await answers(place)) return true;
  return false;
}

function answers(path) {
  return new Promise((resolve) => {
    const connection = createConnection({ path });
    connection.setTimeout(2000, () => { connection.destroy(); resolve(false); });
    connection.on('connect', () => { connection.destroy(); resolve(true); });
    connection.on('error', () => resolve(false));
  });
}

function isDebianRoot() {
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !existsSync('/etc/os-release')) return false;
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'));
}

/** Packages of Debian's; a list that is there already costs nothing. */
export async function installPackages(title, packages) {
  const missing = [];
  for (const name of packages) {
    const status = await quiet('dpkg-query', ['-W', '-f', '${Status}', name]).catch(() => '');
    if (!status.includes('install ok installed')) missing.push(name);
  }
  if (missing.length === 0) return;
  await step(`${title} (${missing.join(', ')})`, async () => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    await quiet('apt-get', ['update', '-qq'], { env });
    await quiet('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], { env });
    return '';
  });
}

/**
 * Makes sure that an engine answers where that can be done without asking more than once.
 * @returns how to stop an engine that this started, or `undefined` when it started none.
 */
export async function ensureEngine({ yes }) {
  if (await engineAnswers()) return undefined;
  if (!isDebianRoot()) {
    console.log('No Docker engine answers. Weft runs without one as far as it can (analyze, explain); to start a lab install Docker Desktop, Colima, Rancher Desktop, OrbStack or docker.io, and start it.');
    return undefined;
  }
  if (!yes && process.stdin.isTTY && process.env.CI !== 'true') {
    const terminal = createInterface({ input: process.stdin, output: process.stdout });
    const answer = await terminal.question('No Docker engine answers. Install and start Debian’s docker.io now? [Y/n] ');
    terminal.close();
    if (/^n/i.test(answer.trim())) return undefined;
  } else {
    console.log('No Docker engine answers: installing and starting Debian’s docker.io.');
  }
  await installPackages('Installing the Docker engine', ['docker.io', 'iptables']);
  return await startEngine();
}

async function startEngine() {
  if (await answers(socket)) return undefined;
  const logDir = join(tmpdir(), 'weft-engine');
  mkdirSync(logDir, { recursive: true });
  const log = join(logDir, 'dockerd.log');
  return await step('Starting the Docker engine', async () => {
    const out = openSync(log, 'a');
    const child = spawn('dockerd', [], { stdio: ['ignore', out, out], detached: true });
    closeSync(out);
    let failure;
    child.on('error', (error) => { failure = error; });
    child.on('exit', (code) => { failure ??= new Error(`dockerd ended with ${code}`); });
    for (let tries = 0; tries < 150; tries += 1) {
      if (failure !== undefined) throw new Error(`${failure.message}; its log is ${log}`);
      if (await answers(socket)) {
        child.unref();
        return async () => {
          if (child.exitCode !== null) return;
          // While it ends this process must not: an unreferenced child alone would let it.
          child.ref();
          const ended = new Promise((resolve) => { child.once('exit', resolve); });
          process.kill(child.pid, 'SIGTERM');
          await ended;
        };
      }
      await new Promise((resolve) => { setTimeout(resolve, 200); });
    }
    throw new Error(`dockerd did not answer within 30 s; its log is ${log}`);
  });
}
