import { createPublicKey, X509Certificate } from 'node:crypto';
import type { Clock } from '../hooks.ts';
import type { SecretStore } from '../tls/secrets.ts';
import { makeSigningRequest } from './signing-request.ts';
import { verifySvid } from './spiffe.ts';

/** Keeps the workload's certificate fresh. */
export interface WorkloadCertificate {
  /** The control plane is there: asks for a certificate when one is due. */
  connected(): void;
  /** An answer to a request; ignored when it is none of ours. */
  issued(answer: { readonly id: number; readonly chain: string; readonly roots: string }): void;
  /** The trust bundle; `renew` asks for another certificate now, because the root of the one in use will go. */
  trust(roots: string, renew: boolean): void;
  readonly ready: boolean;
  /** Milliseconds since the epoch. */
  readonly expires: number;
  close(): void;
}

export interface WorkloadCertificateSettings {
  readonly secrets: SecretStore;
  readonly clock: Clock;
  random(): number;
  readonly trustDomain: string;
  /** The identity that the certificate must carry. */
  readonly identity: string;
  send(request: { readonly id: number; readonly pem: string }): void;
  changed(): void;
  log(line: string): void;
}

/** How often the clock is looked at: after a jump of it, or a night's sleep, renewal comes this soon. */
const checkMs = 15_000;
const answerMs = 10_000;
/** How often it is looked whether an overdue request has to be made again. */
const overdueMs = 1000;

/**
 * Asks for a certificate at the start and at half of its life ± 1 %, with a new key each time; the key stays in this process. A new
 * certificate serves new connections, those that are open keep theirs.
 */
export function createWorkloadCertificate(settings: WorkloadCertificateSettings): WorkloadCertificate {
  const { clock, secrets } = settings;
  let pending: { id: number; key: string; at: number } | undefined;
  let id = 0;
  let due = 0;
  let expires = 0;
  let asking = false;
  let cancel = clock.after(checkMs, tick);

  function tick(): void {
    const left = due - clock.now();
    cancel = clock.after(left > 0 ? Math.min(checkMs, left) : overdueMs, tick);
    ask().catch((error: unknown) => { settings.log(`no signing request could be made: ${String(error)}`); });
  }
  async function ask(): Promise<void> {
    const waiting = pending !== undefined && Math.abs(clock.now() - pending.at) < answerMs;
    if (asking || waiting || clock.now() < due) return;
    asking = true;
    try {
      const request = await makeSigningRequest();
      id += 1;
      pending = { id, key: request.key, at: clock.now() };
      settings.send({ id, pem: request.pem });
    } finally {
      asking = false;
    }
  }
  return {
    connected() { pending = undefined; cancel(); tick(); },
    issued(answer) {
      if (pending?.id !== answer.id) return;
      const { key } = pending;
      pending = undefined;
      const problem = problemOf(answer.chain, key, settings);
      if (problem !== undefined) { settings.log(`the certificate that came is of no use: ${problem}`); return; }
      expires = Date.parse(new X509Certificate(answer.chain).validTo);
      due = clock.now() + (expires - clock.now()) * (0.5 + (settings.random() * 2 - 1) * 0.01);
      secrets.setOwn('default', { chain: answer.chain, key });
      secrets.setOwn('ROOTCA', { roots: answer.roots });
      cancel();
      tick();
      settings.changed();
    },
    trust(roots, renew) {
      if (secrets.get('ROOTCA')?.roots !== roots) secrets.setOwn('ROOTCA', { roots });
      if (!renew || due === 0) return;
      due = clock.now();
      cancel();
      tick();
    },
    get ready() { return due > 0; },
    get expires() { return expires; },
    close: () => { cancel(); },
  };
}

function problemOf(chain: string, key: string, { trustDomain, identity, clock }: WorkloadCertificateSettings): string | undefined {
  try {
    const leaf = new X509Certificate(chain);
    const verified = verifySvid(leaf.raw, [trustDomain]);
    if (!verified.ok) return verified.reason;
    if (verified.spiffe.id !== identity) return `it is for ${verified.spiffe.id}`;
    if (Date.parse(leaf.validTo) <= clock.now()) return 'it has expired';
    return leaf.publicKey.equals(createPublicKey(key)) ? undefined : 'it is for another key';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
