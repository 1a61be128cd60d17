import type { SigningRoot } from './ca.ts';
import { sameRoot } from './plugged-root.ts';
import type { RotatingAuthority, RotationStep } from './rotation.ts';

/** Lets what the manifests plug in sign. */
export interface PlugIn {
  /** Something has changed: looks whether another authority is wanted, and goes on with it. */
  look(): void;
  stop(): void;
}

/** What plugging in needs. */
export interface PlugInOptions {
  readonly authority: Pick<RotatingAuthority, 'phase' | 'active' | 'other' | 'rotate'>;
  /** The lab's first root, for when nothing is plugged in any more. */
  readonly anchor: SigningRoot;
  /** What the manifests plug in; why it cannot be used; or nothing. */
  wanted(): SigningRoot | { readonly problem: string } | undefined;
  /** How many proxies are connected, how many of them do not know yet what to trust, and how many have certificates of another issuer. */
  proxies(): { readonly connected: number; readonly waiting: number; readonly behind: number };
  /** What is plugged in cannot be used, or the change of authority failed; `undefined` when all is well. */
  problem(reason: string | undefined): void;
}

const again = 200;

/** Nothing signs with another authority before every proxy trusts it, so that no connection is lost: introduce, replace, retire, each as soon as the proxies have followed. */
export function createPlugIn({ authority, anchor, wanted, proxies, problem }: PlugInOptions): PlugIn {
  let timer: NodeJS.Timeout | undefined;
  let busy = false;
  let stopped = false;

  /** The next step, `wait` until it can be taken, or nothing to do. What has signed before has an issuer only when it was plugged in. */
  function next(): RotationStep | 'wait' | undefined {
    const plugged = wanted();
    const broken = plugged !== undefined && 'problem' in plugged;
    problem(broken ? plugged.problem : undefined);
    const { phase, active, other } = authority;
    const { connected, waiting, behind } = proxies();
    const target = broken ? undefined : plugged ?? (active.issuer === undefined && other?.issuer === undefined ? undefined : anchor);
    if (target === undefined) return undefined;
    if (phase === 'introduced' && other !== undefined) {
      if (!sameRoot(other, target)) return { step: 'adopt', root: active };
      return waiting > 0 ? 'wait' : { step: 'replace' };
    }
    if (phase === 'replaced') return behind > 0 || waiting > 0 ? 'wait' : { step: 'retire' };
    if (sameRoot(active, target)) return undefined;
    return { step: connected === 0 ? 'adopt' : 'introduce', root: target };
  }

  async function go(): Promise<void> {
    for (let step = next(); step !== undefined; step = next()) {
      if (stopped) return;
      if (step === 'wait') {
        timer = setTimeout(look, again);
        timer.unref();
        return;
      }
      await authority.rotate(step);
    }
  }

  function look(): void {
    clearTimeout(timer);
    if (busy || stopped) return;
    busy = true;
    go().catch((error: unknown) => problem(error instanceof Error ? error.message : String(error))).finally(() => { busy = false; });
  }

  return {
    look,
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
