/** What becomes of headers: `set` takes the place of what was there, `add` stands beside it. Names are lower-case. */
export interface Changes {
  readonly set: readonly (readonly [string, string])[];
  readonly add: readonly (readonly [string, string])[];
  readonly remove: readonly string[];
}

/** What a provider says of a request; `why` is for people. */
export type Answer =
  | {
    readonly kind: 'allowed'; readonly why: string;
    /** Of the request on its way on, and of the response to it. */
    readonly upstream: Changes; readonly downstream: Changes;
    /** Changes the query of a path. */
    readonly parameters?: (path: string) => string;
    readonly metadata?: Readonly<Record<string, unknown>>;
  }
  | { readonly kind: 'denied'; readonly why: string; readonly status: number; readonly headers: readonly (readonly [string, string])[]; readonly body: Buffer }
  | { readonly kind: 'failed'; readonly why: string };

export const unchanged: Changes = { set: [], add: [], remove: [] };
