import { describe, expect, it } from 'vitest';
import { parseManifests, validate } from '../../src/manifest/index.ts';

function errors(kind: string, spec: object): readonly string[] {
  const text = JSON.stringify({ apiVersion: 'gateway.networking.k8s.io/v1', kind, metadata: { name: 'it' }, spec });
  const { resources, diagnostics } = parseManifests([{ path: 'it.yaml', text }]);
  return [...diagnostics, ...resources.flatMap(validate)].filter(({ level }) => level === 'error').map(({ path }) => path ?? '');
}
const listener = { name: 'http', port: 80, protocol: 'HTTP' };
const gateway = (...listeners: readonly object[]): readonly string[] => errors('Gateway', { gatewayClassName: 'istio', listeners });
const rule = (fields: object): readonly string[] => errors('HTTPRoute', { parentRefs: [{ name: 'web' }], rules: [fields] });
const backendRefs = [{ name: 'echo', port: 80 }];

describe('the rules of the Gateway API’s CRDs', () => {
  it('accept what is right', () => {
    expect(gateway(listener, { name: 'https', port: 443, protocol: 'HTTPS', hostname: '*.example.com', tls: { certificateRefs: [{ name: 'cert' }] } })).toEqual([]);
    expect(rule({ matches: [{ path: { type: 'PathPrefix', value: '/a' } }], filters: [{ type: 'URLRewrite', urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/b' } } }], backendRefs })).toEqual([]);
    expect(errors('GRPCRoute', { rules: [{ matches: [{ method: { service: 'a.B' } }], backendRefs }] })).toEqual([]);
  });

  it.each<[string, () => readonly string[], string]>([
    ['two listeners of one name', () => gateway(listener, { ...listener, port: 81 }), 'spec.listeners[1].name'],
    ['two listeners alike', () => gateway(listener, { ...listener, name: 'other' }), 'spec.listeners[1]'],
    ['TLS on HTTP', () => gateway({ ...listener, tls: { mode: 'Passthrough' } }), 'spec.listeners[0].tls'],
    ['a hostname on TCP', () => gateway({ ...listener, protocol: 'TCP', hostname: 'a.b' }), 'spec.listeners[0].hostname'],
    ['HTTPS that passes', () => gateway({ ...listener, protocol: 'HTTPS', tls: { mode: 'Passthrough' } }), 'spec.listeners[0].tls.mode'],
    ['TLS without settings', () => gateway({ ...listener, protocol: 'TLS' }), 'spec.listeners[0]'],
    ['TLS without a certificate', () => gateway({ ...listener, protocol: 'HTTPS', tls: {} }), 'spec.listeners[0].tls'],
    ['an address as hostname', () => gateway({ ...listener, hostname: '1.2.3.4' }), 'spec.listeners[0].hostname'],
    ['a Service without a port', () => rule({ backendRefs: [{ name: 'echo' }] }), 'spec.rules[0].backendRefs[0]'],
    ['a path without a slash', () => rule({ matches: [{ path: { type: 'Exact', value: 'a' } }], backendRefs }), 'spec.rules[0].matches[0].path.value'],
    ['a path that climbs', () => rule({ matches: [{ path: { value: '/a/../b' } }], backendRefs }), 'spec.rules[0].matches[0].path.value'],
    ['a redirect beside a backend', () => rule({ filters: [{ type: 'RequestRedirect', requestRedirect: { scheme: 'https' } }], backendRefs }), 'spec.rules[0].backendRefs'],
    ['a filter without its field', () => rule({ filters: [{ type: 'URLRewrite' }], backendRefs }), 'spec.rules[0].filters[0]'],
    ['a filter with another’s field', () => rule({ filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier: {}, urlRewrite: { hostname: 'a.b' } }], backendRefs }), 'spec.rules[0].filters[0].urlRewrite'],
    ['a filter twice', () => rule({ filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier: {} }, { type: 'RequestHeaderModifier', requestHeaderModifier: {} }], backendRefs }), 'spec.rules[0].filters[1]'],
    ['a prefix replaced without one', () => rule({ matches: [{ path: { type: 'Exact', value: '/a' } }], filters: [{ type: 'URLRewrite', urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/b' } } }], backendRefs }), 'spec.rules[0].filters'],
    ['percent and fraction', () => rule({ filters: [{ type: 'RequestMirror', requestMirror: { backendRef: backendRefs[0], percent: 5, fraction: { numerator: 1 } } }], backendRefs }), 'spec.rules[0].filters[0].requestMirror'],
    ['an attempt longer than the request', () => rule({ timeouts: { request: '1s', backendRequest: '2s' }, backendRefs }), 'spec.rules[0].timeouts.backendRequest'],
    ['the same parent twice', () => errors('HTTPRoute', { parentRefs: [{ name: 'a' }, { name: 'a' }] }), 'spec.parentRefs[1]'],
    ['a gRPC match of nothing', () => errors('GRPCRoute', { rules: [{ matches: [{ method: {} }], backendRefs }] }), 'spec.rules[0].matches[0].method'],
    ['a policy without an authority', () => errors('BackendTLSPolicy', { targetRefs: [{ group: '', kind: 'Service', name: 'a' }], validation: { hostname: 'a.b' } }), 'spec.validation'],
  ])('refuse %s at its place', (_what, found, path) => { expect(found()).toContain(path); });
});
