import type { Origin } from '../xds/index.ts';

/** A manifest file as the lab holds it. `path` is relative to the folder that the user named, with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** The namespace of resources that name none, as `kubectl -n`; `default` without it. */
  readonly namespace?: string;
}

/** A place in a file; both start at 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A finding about what the user wrote. Data, not an exception: all of them are returned at once. */
export interface Diagnostic {
  /** Istio's code where Istio has one (`IST0101`), else `WEFT…`. Stable. */
  readonly code: string;
  readonly level: 'error' | 'warning' | 'info';
  /** What is wrong and why, one sentence. */
  readonly message: string;
  /** What to do about it, when we know. */
  readonly help?: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** `Kind namespace/name` (or `Kind name`), as istioctl prints it. */
  readonly resource?: string;
  /** The field, e.g. `spec.http[0].route[1].weight`. */
  readonly path?: string;
}

/** Kubernetes' ObjectMeta, as far as the lab reads it. `namespace` is filled in (`default`); empty for cluster-scoped kinds. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** RFC 3339, when the manifest says it; else resources age in the order in which they were applied. */
  readonly creationTimestamp?: string;
}

/**
 * One parsed resource. `spec` is typed and defaulted by the kind's schema (for kinds without `spec`, such as ConfigMap,
 * the typed fields of the body). `body` is the whole document as plain JSON, as the user wrote it.
 */
export interface Resource<Kind extends string = string, Spec = unknown> {
  readonly apiVersion: string;
  readonly kind: Kind;
  readonly metadata: ObjectMeta;
  readonly spec: Spec;
  readonly body: Readonly<Record<string, unknown>>;
  readonly origin: Origin;
  /** Where a field stands, e.g. `locate(['spec', 'http', 0])`; the nearest parent when the field is not written. */
  locate(path: readonly (string | number)[]): Position;
}
