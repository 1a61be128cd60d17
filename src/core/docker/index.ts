/** The container engine: found, connected to, and spoken to in the lab's words. The only user of dockerode. */
export type {
  ContainerInfo, ContainerSpec, ContainerState, ContainerSummary, DiskUse, Endpoint, Engine, EngineEvent, EngineInfo, EventStream, ExecOptions, ExecSession,
  ImageInfo, Labels, LogOptions, LogStream, LongCall, Mount, NetworkInfo, NetworkSpec, PublishedPort, TlsFiles, VolumeInfo, VolumeSpec,
} from './engine.ts';
export { candidates, knownSockets, parseHost, type Candidate, type HostProbes } from './candidates.ts';
export { connectEngine, minimumApi } from './connect.ts';
export { engineFailure } from './failures.ts';
export { findEngine, hostProbes, installHelp, requireEngine, where, type Search } from './find.ts';
