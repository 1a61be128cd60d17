import { proxyUid, type CaptureSettings, type ControlPlaneSettings, type Role, type SidecarSettings, type StandInSettings } from './contract/index.ts';

/** What a role does: it resolves with how to stop it, or with `undefined` when it is done. */
type Start = (settings: unknown) => Promise<(() => Promise<void>) | undefined>;

const usage = 2;
const failed = 1;

/** Each role loads its own code only: a sidecar's memory holds nothing of the others. */
const roles: Readonly<Record<Role, Start>> = {
  sandbox: () => Promise.resolve(() => Promise.resolve()),
  init: async (settings) => {
    const { applyCapture } = await import('./sidecar/capture/apply.ts');
    console.log(`capture rules are in force (${await applyCapture(settings as CaptureSettings, proxyUid)})`);
    return undefined;
  },
  sidecar: async (settings) => {
    const { startInContainer } = await import('./sidecar/main.ts');
    const sidecar = await startInContainer(settings as SidecarSettings);
    return () => sidecar.stop();
  },
  'control-plane': async (settings) => {
    const { start } = await import('./controlplane/main.ts');
    const controlPlane = await start(settings as ControlPlaneSettings);
    return () => controlPlane.stop();
  },
  'stand-in': async (settings) => {
    const { start } = await import('./workloads/main.ts');
    const standIn = await start(settings as StandInSettings);
    return () => standIn.stop();
  },
};

/** What settings of a role must at least have; the rest is said by those who write them, in code of the same version. */
const required: Readonly<Record<Role, readonly string[]>> = {
  sandbox: [],
  init: ['includeInboundPorts', 'excludeInboundPorts', 'includeOutboundPorts', 'excludeOutboundPorts', 'includeOutboundIpRanges', 'excludeOutboundIpRanges'],
  sidecar: ['node', 'proxy', 'type', 'ip', 'namespace', 'serviceAccount', 'trustDomain', 'controlPlane', 'token', 'roots', 'probes', 'labels'],
  'control-plane': ['lab', 'coreTokenHash', 'trustDomain', 'ca', 'stateDir'],
  'stand-in': ['name', 'args'],
};

/** Runs the role that the command line names with the settings in `WEFT`; resolves with the exit code. */
async function main(role: string | undefined, text: string | undefined): Promise<number> {
  if (role === undefined || !isRole(role)) return refuse(`Usage: node main.mjs ${Object.keys(roles).join('|')}, with the settings as JSON in WEFT.`);
  const settings = parseSettings(role, text);
  if (typeof settings === 'string') return refuse(settings);
  const stopped = signalled();
  const stop = await roles[role](settings);
  if (stop === undefined) return 0;
  await stopped;
  await stop();
  return 0;
}

function isRole(text: string): text is Role {
  return Object.hasOwn(roles, text);
}

/** The settings, or what is wrong with them. Their values are not repeated: there are secrets among them. */
function parseSettings(role: Role, text: string | undefined): object | string {
  if (required[role].length === 0) return {};
  if (text === undefined || text === '') return `The role ${role} needs its settings as JSON in the environment variable WEFT, which is not set.`;
  try {
    const settings: unknown = JSON.parse(text);
    if (typeof settings !== 'object' || settings === null) return 'WEFT holds no JSON object.';
    const missing = required[role].filter((name) => !Object.hasOwn(settings, name));
    return missing.length === 0 ? settings : `The settings of the role ${role} in WEFT lack ${missing.join(', ')}.`;
  } catch {
    return 'WEFT holds no JSON.';
  }
}

/** Resolves at the first SIGTERM or SIGINT; until then the process lives. */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    const alive = setInterval(() => undefined, 2 ** 30);
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => { clearInterval(alive); resolve(); });
  });
}

function refuse(message: string): number {
  console.error(message);
  return usage;
}

main(process.argv[2], process.env['WEFT']).then((code) => { process.exit(code); }, (error: unknown) => {
  console.error(error instanceof Error ? error.stack ?? error.message : String(error));
  process.exit(failed);
});
