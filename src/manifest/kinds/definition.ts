import type { z } from 'zod';

/** What the manifest layer knows about one kind. */
export interface KindDefinition {
  readonly kind: string;
  /** API group; empty for Kubernetes' core. */
  readonly group: string;
  /** Versions that are accepted, newest first. */
  readonly versions: readonly string[];
  readonly namespaced: boolean;
  /** kubectl's other spellings, lower-case; kind, singular and plural need not be given. */
  readonly aliases: readonly string[];
  /** Irregular plural, lower-case. */
  readonly plural?: string;
  /** Whether `spec` holds the typed fields, or the body itself (ConfigMap). */
  readonly typed: 'spec' | 'body';
  /** The schema of the typed fields; absent for kinds that are passed through. */
  readonly schema?: z.ZodType;
  /** Whether the API server refuses the resource without a `spec`. */
  readonly specRequired?: boolean;
  /** Why the lab does not run this kind, where it does not. */
  readonly notRun?: string;
}
