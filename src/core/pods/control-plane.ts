import { randomBytes } from 'node:crypto';
import { LabFailure, ports, proxyUid, type ControlPlaneSettings } from '../../contract/index.ts';
import { createRoot } from '../control/root.ts';
import type { Engine } from '../docker/index.ts';
import type { ImageMode } from './choose-images.ts';
import { label, sha256 } from './labels.ts';
import { ensureNetwork, networkName, type LabNetwork } from './network.ts';

/** What a lab is made with. */
export interface NewLab {
  readonly lab: string;
  /** The runtime image's reference. */
  readonly image: string;
  readonly images: ImageMode;
  /** Items of `consentNeeded` that the user has agreed to. */
  readonly consent: readonly string[];
}

/** Where core reaches a lab's control plane. Fits `connectControl`. */
export interface ControlEndpoint {
  readonly host: string;
  readonly port: number;
  readonly token: string;
  /** The mesh root, PEM. */
  readonly root: string;
}

/** What a lab was made with, read back from the engine. */
export interface LabRecord extends ControlEndpoint {
  readonly images: ImageMode;
  readonly consent: readonly string[];
  /** The control plane's container. */
  readonly id: string;
}

/** The trust domain of a lab whose manifests give it no other one, and the DNS suffix of every lab, as in a fresh Istio. */
export const trustDomain = 'cluster.local';

const stateDir = '/var/lib/weft';
const mebibyte = 1024 * 1024;
const labRule = /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/;

/** Makes a lab: its network, and its control plane with a new root certificate and token. Says where the control plane answers; it may take a moment until it does. */
export async function createLab(engine: Engine, spec: NewLab, onProgress?: (text: string) => void, signal?: AbortSignal): Promise<ControlEndpoint & { readonly network: LabNetwork }> {
  const { lab } = spec;
  if (!labRule.test(lab)) throw new LabFailure('usage', `“${lab.slice(0, 60)}” is not a name for a lab: lower-case letters, digits and dashes, at most 40.`);
  if ((await engine.containers({ [label.lab]: lab, [label.role]: 'control-plane' })).length > 0) throw new LabFailure('lab-exists', `A lab named ${lab} is there already.`, { help: `Remove it with weft down --name ${lab}, or choose another name.` });
  onProgress?.('making the network');
  const [network, root] = await Promise.all([ensureNetwork(engine, lab), createRoot(trustDomain)]);
  signal?.throwIfAborted();
  const token = randomBytes(32).toString('base64url');
  onProgress?.('starting the control plane');
  const id = await createControlPlane(engine, spec, network, token, root);
  await engine.startContainer(id);
  return { ...await openControl(engine, lab), network };
}

/** Where a running lab's control plane answers; a control plane that is not running is started. Rejects with `lab-not-found`. */
export async function openControl(engine: Engine, lab: string): Promise<ControlEndpoint> {
  const { host, port, token, root } = await labRecord(engine, lab);
  return { host, port, token, root };
}

/** All that the engine remembers of how a lab was made. Rejects with `lab-not-found`, or `control-plane-gone` when its container cannot be started. */
export async function labRecord(engine: Engine, lab: string): Promise<LabRecord> {
  const [found] = await engine.containers({ [label.lab]: lab, [label.role]: 'control-plane' });
  if (found === undefined) throw new LabFailure('lab-not-found', `There is no lab named ${lab}.`, { help: 'weft status lists what runs; weft up starts one.' });
  if (found.state !== 'running' && found.state !== 'restarting') await engine.startContainer(found.id);
  const running = await engine.container(found.id);
  const port = running?.ports.find(({ container }) => container === ports.controlPlane)?.host;
  if (port === undefined) throw new LabFailure('control-plane-gone', `The control plane of lab ${lab} is not running (${running?.state ?? 'removed'}).`, { help: `docker logs ${found.name} says why.` });
  return {
    id: found.id, host: '127.0.0.1', port, token: found.labels[label.token] ?? '', root: found.labels[label.root] ?? '',
    images: imageMode(found.labels[label.images]), consent: (found.labels[label.consent] ?? '').split('\n').filter((item) => item !== ''),
  };
}

async function createControlPlane(engine: Engine, spec: NewLab, network: LabNetwork, token: string, root: ControlPlaneSettings['ca']): Promise<string> {
  const { lab } = spec;
  const volume = `${networkName(lab)}-state`;
  await engine.createVolume({ name: volume, labels: { [label.lab]: lab } });
  const settings: ControlPlaneSettings = { lab, coreTokenHash: sha256(token), trustDomain, ca: root, stateDir };
  return await engine.createContainer({
    name: `${networkName(lab)}-control-plane`, image: spec.image, command: ['control-plane'], env: { WEFT: JSON.stringify(settings) },
    labels: {
      [label.lab]: lab, [label.role]: 'control-plane', [label.token]: token, [label.root]: root.certificate, [label.images]: spec.images, [label.consent]: spec.consent.join('\n'),
    },
    network: { name: network.name, aliases: ['istiod.istio-system.svc', 'istiod.istio-system.svc.cluster.local'], ip: network.controlPlane }, hostname: 'istiod',
    publish: [{ container: ports.controlPlane, protocol: 'tcp', host: 0 }],
    user: `${proxyUid}:${proxyUid}`, capabilities: [], noNewPrivileges: true, readOnlyRoot: true, tmpfs: { '/tmp': 16 * mebibyte },
    mounts: [{ volume, target: stateDir, readOnly: false, copy: true }], memoryBytes: 1024 * mebibyte, pids: 256, restart: 'always', stopSeconds: 5,
  });
}

function imageMode(text: string | undefined): ImageMode {
  return text === 'pull' || text === 'stand-in' ? text : 'auto';
}
