/** YAML in, typed resources with positions and diagnostics out. Pure. */
export type { Diagnostic, ObjectMeta, Position, Resource, SourceFile } from './types.ts';
export { parseManifests, type ParsedManifests } from './parse.ts';
export { at, formatPath, isKind, ofKind, resourceName, type TypedResource } from './guards.ts';
export { groupOf, kindDefinition, kindFromAlias, kinds, type KindSpecs, type TypedKind } from './kinds/index.ts';
export type { KindDefinition } from './kinds/definition.ts';
export type { HTTPRoute, HTTPRouteDestination, CorsPolicy, VirtualService } from './kinds/virtual-service.ts';
export type { DestinationRule, PortTrafficPolicy, Subset, TrafficPolicy } from './kinds/destination-rule.ts';
export type { AuthorizationPolicy, AuthorizationRule, JWTRule, ProxyConfig, RequestAuthentication } from './kinds/security.ts';
export type { Sidecar } from './kinds/sidecar.ts';
export type { ConfigMap, EndpointSlice, Endpoints, Namespace, Secret, Service, ServiceAccount, ServicePort } from './kinds/core-kinds.ts';
export type { Container, ContainerPort, EnvVar, PodSpec, Probe, SecurityContext, VolumeMount } from './kinds/pod-spec.ts';
export type { Volume } from './kinds/volume.ts';
export type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from './kinds/workloads.ts';
export { injected, podTemplate, podTemplates, type PodTemplate, type WorkloadKind } from './pod-templates.ts';
export { consentNeeded, type ConsentItem } from './consent.ts';
export { validate } from './validation/index.ts';
export { limits } from './limits.ts';
