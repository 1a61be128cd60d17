/** The lab's interfaces: between UI and core, core and control plane, control plane and proxies, core and its containers. */
export type * from './lab.ts';
export type { Lab, LabApi, LabEvents, LabEventSource } from './api.ts';
export { outcomeOf, type RequestRecord, type DecisionStep, type Peer, type Outcome, type ResponseFlag } from './record.ts';
export type { UpstreamStatus, UpstreamState, UpstreamHostState, UpstreamCounts, EjectionReason } from './upstreams.ts';
export type { RateLimitAnswer, RateLimitQuestion } from './rate-limits.ts';
export { queryRecords, recordFilter, defaultRecordLimit } from './record-query.ts';
export { durationBuckets, type FromProxy, type FromControlPlane, type ProbeQuestion, type RestartRequest, type TelemetryBatch, type MetricDelta, type MetricLabels } from './proxy-wire.ts';
export { assembleTrace, droppedContexts, droppedWords, type AppSpan, type DroppedContext, type Trace, type TraceSpan } from './trace.ts';
export { istioMetricsText, metricFamilies, shownLabels } from './metrics-text.ts';
export { ports, proxyUid, type ControlApi, type ControlEvents, type ControlStatus, type PodRegistration, type RootRotation, type RotationPhase } from './control-api.ts';
export { defaultDrain, proxyReadyLine, type Role, type SidecarSettings, type DrainSettings, type Probe, type ProbeAction, type CaptureSettings, type ControlPlaneSettings, type StandInSettings } from './container.ts';
export { LabFailure, toLabError } from './errors.ts';
export { schemas } from './schemas.ts';
export { captureSettings, captureProblems, captureList } from './capture-settings.ts';
