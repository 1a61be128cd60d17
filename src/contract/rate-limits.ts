/** What a proxy asks the rate limit service, in the terms of Envoy's `ShouldRateLimit`. */
export interface RateLimitQuestion {
  readonly id: number;
  readonly domain: string;
  /** Each a list of key and value, in order. */
  readonly descriptors: readonly (readonly (readonly [key: string, value: string])[])[];
}

/** What it says: whether a limit is passed, and how much is left of each that applies. */
export interface RateLimitAnswer {
  readonly over: boolean;
  readonly limits: readonly {
    readonly unit: string;
    /** Length of the unit, and time until it starts anew, in seconds. */
    readonly seconds: number;
    readonly reset: number;
    readonly requests: number;
    readonly remaining: number;
    readonly name: string;
  }[];
}
