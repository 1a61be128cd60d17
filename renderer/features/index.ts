import type { FeaturePanel } from './panel.ts';
import { panel as authorization } from './authorization/panel.tsx';
import { panel as circuitBreaking } from './circuit-breaking/panel.tsx';
import { panel as cors } from './cors/panel.tsx';
import { panel as directResponse } from './direct-response/panel.tsx';
import { panel as envoyFilter } from './envoy-filter/panel.tsx';
import { panel as gateway } from './gateway/panel.tsx';
import { panel as headers } from './headers/panel.tsx';
import { panel as jwt } from './jwt/panel.tsx';
import { panel as loadBalancing } from './load-balancing/panel.tsx';
import { panel as mirror } from './mirror/panel.tsx';
import { panel as outlierDetection } from './outlier-detection/panel.tsx';
import { panel as rateLimiting } from './rate-limiting/panel.tsx';
import { panel as redirect } from './redirect/panel.tsx';
import { panel as retry } from './retry/panel.tsx';
import { panel as rewrite } from './rewrite/panel.tsx';
import { panel as serviceEntry } from './service-entry/panel.tsx';
import { panel as tcpRouting } from './tcp-routing/panel.tsx';
import { panel as telemetry } from './telemetry/panel.tsx';
import { panel as timeout } from './timeout/panel.tsx';

export { FaultPanel } from './fault/panel.tsx';
export { MtlsPanel } from './mtls/panel.tsx';
export { WeightsPanel } from './routing/panel.tsx';
export type { FeaturePanel, Finding } from './panel.ts';

/** What the rules say, feature by feature, in the order in which the inspector lists them. */
export const featurePanels: readonly FeaturePanel[] = [gateway, serviceEntry, timeout, retry, mirror, redirect, rewrite, headers, cors, directResponse, loadBalancing, circuitBreaking, outlierDetection, rateLimiting, tcpRouting, jwt, authorization, telemetry, envoyFilter];
