import type { Origin } from '../xds/index.ts';

/** A call to explain: `from` is `ingress`, `namespace/pod`, or the name of a pod, a workload or an app. */
export interface ExplainCall {
  readonly from: string;
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
}

/** One step of a decision, in the order in which it is taken. */
export interface ExplainStep {
  readonly stage: 'listener' | 'filter-chain' | 'virtual-host' | 'route' | 'filter' | 'cluster' | 'endpoint' | 'retry' | 'transport' | 'response';
  readonly what: string;
  readonly why?: string;
  readonly origin?: Origin;
  readonly rejected?: readonly { readonly what: string; readonly why: string; readonly origin?: Origin }[];
}

/** How a call ends. Without a status, the application decides. */
export interface Outcome {
  readonly status?: number;
  readonly flags: readonly string[];
  /** Providers of external authorization that must allow it first; what they say is known only live. */
  readonly asks?: readonly string[];
}

/** A cluster that may be chosen and how a call to it ends. */
export interface ExplainedCluster extends Outcome {
  readonly cluster: string;
  /** 0 to 1. */
  readonly share: number;
}

/** What happens to a call, and why. Status and flags are given where every possible choice gives the same. */
export interface Explained extends Outcome {
  readonly call: ExplainCall;
  readonly summary: string;
  readonly clusters: readonly ExplainedCluster[];
  readonly steps: readonly ExplainStep[];
}
