import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { z } from 'zod';
import { LabFailure, type RootRotation, type RotationPhase } from '../contract/index.ts';
import { loadAuthority, signerOf, type CertificateAuthority, type SigningRoot } from './ca.ts';

const rootSchema = z.object({ certificate: z.string(), key: z.string(), issuer: z.string().exactOptional(), chain: z.string().exactOptional() });

/** What is kept of a rotation. Absent as long as the lab's first root is the only one. */
export const storedRotation = z.object({ phase: z.enum(['settled', 'introduced', 'replaced']), active: rootSchema, other: rootSchema.exactOptional() });
export type StoredRotation = z.output<typeof storedRotation>;

/** The mesh's authority while its root may be replaced. */
export interface RotatingAuthority extends CertificateAuthority {
  readonly phase: RotationPhase;
  /** Another root than the lab's first signs. */
  readonly rotated: boolean;
  /**
   * One phase on. `introduce` makes a second root trusted, `replace` signs with it from now on, `retire` stops trusting the first.
   * Rejects with `usage` out of order, and when `behind` names proxies whose certificates the root that goes has signed.
   */
  rotate(step: RotationStep): Promise<RotationPhase>;
  /** What signs now. */
  readonly active: SigningRoot;
  /** What will sign (`introduced`) or has signed (`replaced`). */
  readonly other: SigningRoot | undefined;
}

/** The next phase: as from outside, or with a root that an issuer of its own stands below; `adopt` does all at once, for a mesh in which nobody has a certificate, and gives up what is under way. */
export type RotationStep = RootRotation | { readonly step: 'introduce' | 'adopt'; readonly root: SigningRoot };

/** What a rotation needs. */
export interface RotationOptions {
  /** The lab's first root: whoever bootstraps the lab knows it, so the control plane can always be verified by it. */
  readonly anchor: SigningRoot;
  readonly stored: StoredRotation | undefined;
  now(): number;
  save(rotation: StoredRotation): Promise<void>;
  /** Roots or signer have changed: proxies must hear of it. */
  changed(): void;
  /** Connected proxies whose certificates are not of the root that signs now. */
  behind(): readonly string[];
}

/**
 * Loads the authority in the phase in which it was left. Roots that came later are signed by the first one too, and that certificate goes with the
 * control plane's own chain: a new pod, which knows the first root only, finds its control plane after any number of rotations.
 */
export async function rotatingAuthority(options: RotationOptions): Promise<RotatingAuthority> {
  let state: StoredRotation = options.stored ?? { phase: 'settled', active: options.anchor };
  let signer = await authorityOf(state, options);

  const change = async (next: StoredRotation): Promise<RotationPhase> => {
    const authority = await authorityOf(next, options);
    await options.save(next);
    state = next;
    signer = authority;
    options.changed();
    return state.phase;
  };
  return {
    get phase() { return state.phase; },
    get rotated() { return state.active.certificate.trim() !== options.anchor.certificate.trim(); },
    get roots() { return [...new Set([state.active, ...(state.other === undefined ? [] : [state.other])].map(({ certificate }) => `${certificate.trim()}\n`))].join(''); },
    get active() { return state.active; },
    get other() { return state.other; },
    get signer() { return signer.signer; },
    sign: (csr, identity) => signer.sign(csr, identity),
    serve: (name) => signer.serve(name),
    workload: (identity) => signer.workload(identity),
    rotate: async (step) => {
      const { phase, active, other } = state;
      if (step.step === 'adopt') return await change({ phase: 'settled', active: step.root });
      if (step.step === 'introduce' && phase === 'settled') {
        // A root that could not sign must not be trusted first.
        await authorityOf({ phase, active: step.root }, options);
        return await change({ phase: 'introduced', active, other: step.root });
      }
      if (step.step === 'replace' && phase === 'introduced' && other !== undefined) return await change({ phase: 'replaced', active: other, other: active });
      if (step.step !== 'retire' || phase !== 'replaced') throw new LabFailure('usage', `The root cannot be rotated by “${step.step}” now: the rotation is ${phase}.`, { help: 'The order is introduce, replace, retire.' });
      const behind = options.behind();
      if (behind.length > 0) throw new LabFailure('usage', `The old root cannot be retired: it has signed the certificates of ${behind.join(', ')}.`, { help: 'They renew within seconds; try again.' });
      return await change({ phase: 'settled', active });
    },
  };
}

/** The authority that signs with the active root; its servers' chains lead to the anchor as well. */
async function authorityOf({ active }: StoredRotation, { anchor, now }: RotationOptions): Promise<CertificateAuthority> {
  const authority = await loadAuthority(active, now).catch((error: unknown) => { throw new LabFailure('usage', 'The root does not read: a certificate and an RSA or EC key are needed, PEM.', { cause: error }); });
  if (active.certificate.trim() === anchor.certificate.trim()) return authority;
  const bridge = await crossSigned(active.certificate, anchor);
  return { ...authority, serve: async (name) => { const served = await authority.serve(name); return { ...served, chain: withoutRoots(served.chain) + bridge }; } };
}

/** A chain without the roots that end it: who does not trust them would look no further. */
function withoutRoots(chain: string): string {
  return x509.PemConverter.decode(chain).map((der) => new x509.X509Certificate(der)).filter(({ subject, issuer }) => subject !== issuer).map((certificate) => `${certificate.toString('pem')}\n`).join('');
}

/** The root's name and key, signed by the anchor, for as long as both live. */
async function crossSigned(root: string, anchor: RotationOptions['anchor']): Promise<string> {
  const [subject, issuer] = [new x509.X509Certificate(root), new x509.X509Certificate(anchor.certificate)];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: subject.serialNumber, subject: subject.subjectName, issuer: issuer.subjectName, publicKey: subject.publicKey, notBefore: subject.notBefore,
    notAfter: new Date(Math.min(subject.notAfter.getTime(), issuer.notAfter.getTime())), ...await signerOf(anchor),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true), new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      // What the root has signed names its key by the identifier that stands in the root.
      subject.getExtension(x509.SubjectKeyIdentifierExtension) ?? await x509.SubjectKeyIdentifierExtension.create(subject.publicKey, false, crypto), await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey, false, crypto),
    ],
  }, crypto);
  return `${certificate.toString('pem')}\n`;
}
