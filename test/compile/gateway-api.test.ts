import { describe, expect, it } from 'vitest';
import { compileFor, gatewayStatus, managedGateways, prepareSnapshot, type PodInfo, type ResourceStatus } from '../../src/compile/index.ts';
import { pathRewrite } from '../../src/compile/gateway-api/paths.ts';
import { byPrecedence, precedence } from '../../src/compile/gateway-api/precedence.ts';
import { exchange, type Exchanged } from '../peer/gateway-api-exchange.ts';
import { nodeOf, pod, snapshot } from './lab.ts';

const gateway = (listeners: string, more = ''): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: web, namespace: infra }
spec: { gatewayClassName: istio, listeners: [${listeners}]${more} }`;
const route = (spec: string, namespace = 'infra', name = 'route', kind = 'HTTPRoute'): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: ${kind}
metadata: { name: ${name}, namespace: ${namespace} }
spec: { parentRefs: [{ name: web, namespace: infra }], ${spec} }`;
const service = (name: string, namespace = 'infra'): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec: { selector: { app: ${name} }, ports: [{ name: http, port: 80 }] }`;
const http = '{ name: http, port: 80, protocol: HTTP }';
const echo = pod('echo', 'v1', '10.0.0.9', { namespace: 'infra', sidecar: false });
const proxy: PodInfo = pod('web', 'v1', '10.0.0.20', { namespace: 'infra', labels: { 'gateway.networking.k8s.io/gateway-name': 'web' } });

function send(documents: readonly string[], path: string, authority = 'example.org', port = 80, method = 'GET'): Exchanged {
  const mesh = snapshot(documents, [echo, proxy]);
  const config = compileFor(prepareSnapshot(mesh), nodeOf(proxy, 'router'));
  return exchange(config, mesh, { localPort: port, ip: proxy.ip, port, secure: false, serverName: '', certified: true, method, path, authority, headers: {}, random: 0.5 });
}

function statusOf(documents: readonly string[], kind: string): ResourceStatus['status'] {
  const found = gatewayStatus(snapshot(documents)).find(({ resource }) => resource.kind === kind);
  if (found === undefined) throw new Error(`no status of a ${kind}`);
  return found.status;
}

const reasons = (conditions: unknown): Readonly<Record<string, string>> => Object.fromEntries((conditions as readonly { readonly type: string; readonly status: string; readonly reason: string }[]).map(({ type, status, reason }) => [type, `${status} ${reason}`]));
const parentOf = (documents: readonly string[], kind = 'HTTPRoute'): Readonly<Record<string, string>> => reasons((statusOf(documents, kind)['parents'] as readonly { readonly conditions: unknown }[])[0]?.conditions);
const listenerOf = (documents: readonly string[], at = 0): { readonly attachedRoutes: number; readonly conditions: unknown } => (statusOf(documents, 'Gateway')['listeners'] as readonly { readonly attachedRoutes: number; readonly conditions: unknown }[])[at] ?? { attachedRoutes: -1, conditions: [] };

describe('path modifiers', () => {
  it.each([
    ['/foo/bar', '/foo', '/xyz', '/xyz/bar'], ['/foo/bar', '/foo', '/xyz/', '/xyz/bar'], ['/foo/bar', '/foo/', '/xyz', '/xyz/bar'], ['/foo/bar', '/foo/', '/xyz/', '/xyz/bar'], ['/foo', '/foo', '/xyz', '/xyz'],
    ['/foo/', '/foo', '/xyz', '/xyz/'], ['/foo/bar', '/foo', '', '/bar'], ['/foo/', '/foo', '', '/'], ['/foo', '/foo', '', '/'], ['/foo/', '/foo', '/', '/'], ['/foo', '/foo', '/', '/'], ['/bar', '/', '/xyz', '/xyz/bar'],
  ])('replace the prefix of %s, %s, by %s: %s', (path, prefix, replacement, wanted) => {
    const rewrite = pathRewrite({ type: 'ReplacePrefixMatch', replacePrefixMatch: replacement }, prefix);
    expect(path.replace(new RegExp(rewrite?.match ?? ''), (rewrite?.rewrite ?? '').replaceAll('\\1', '$1'))).toBe(wanted);
  });
});

describe('precedence', () => {
  it('is exact, then the longest prefix, then method, headers and query parameters', () => {
    const match = (kind: 'exact' | 'prefix' | 'regex', value: string, method = '', headers = 0): { readonly name: string; readonly precedence: readonly number[] } =>
      ({ name: `${kind} ${value} ${method} ${headers}`, precedence: precedence({ path: { kind, value }, method, headers: Array.from({ length: headers }, () => ({ type: 'Exact' as const, name: 'a', value: 'b' })), queryParams: [] }) });
    const ordered = [match('exact', '/a'), match('prefix', '/a/b'), match('prefix', '/a', 'GET'), match('prefix', '/a', '', 2), match('prefix', '/a', '', 1), match('prefix', '/a'), match('regex', '/.*'), match('prefix', '/')];
    expect([...ordered].reverse().sort(byPrecedence).map(({ name }) => name)).toEqual(ordered.map(({ name }) => name));
  });
});

describe('routes', () => {
  it('serve their backends, and 404 where nothing matches', () => {
    const documents = [gateway(http), service('echo'), route('rules: [{ matches: [{ path: { value: /a } }], backendRefs: [{ name: echo, port: 80 }] }]')];
    expect(send(documents, '/a/b').backend?.name).toBe(echo.name);
    expect(send(documents, '/ab').status).toBe(404);
  });

  it('answer 500 for a backend that is missing or not granted, for its share', () => {
    const rules = (backends: string): string => `rules: [{ backendRefs: [${backends}] }]`;
    expect(send([gateway(http), route(rules('{ name: gone, port: 80 }'))], '/').status).toBe(500);
    expect(send([gateway(http), service('echo', 'other'), route(rules('{ name: echo, namespace: other, port: 80 }'))], '/').status).toBe(500);
    expect(send([gateway(http), service('echo'), route(rules('{ name: echo, port: 80 }, { name: gone, port: 80, weight: 0 }'))], '/').status).toBe(200);
    expect(send([gateway(http), service('echo'), route(rules('{ name: gone, port: 80, weight: 9 }, { name: echo, port: 80 }'))], '/').status).toBe(500);
    expect(send([gateway(http), service('echo'), route('rules: [{ filters: [{ type: ExtensionRef, extensionRef: { group: a.io, kind: B, name: c } }], backendRefs: [{ name: echo, port: 80 }] }]')], '/').status).toBe(500);
  });

  it('keep to their listener: a more specific one of the port takes its hosts, with or without routes', () => {
    const documents = [gateway('{ name: any, port: 80, protocol: HTTP }, { name: foo, port: 80, protocol: HTTP, hostname: "*.foo.com" }'), service('echo'), route('parentRefs: [{ name: web, sectionName: any }], hostnames: ["*.foo.com", bar.com], rules: [{ backendRefs: [{ name: echo, port: 80 }] }]').replace('parentRefs: [{ name: web, namespace: infra }], ', '')];
    expect(send(documents, '/', 'bar.com').status).toBe(200);
    expect(send(documents, '/', 'a.foo.com').status).toBe(404);
    expect(send(documents, '/', 'other.com').status).toBe(404);
  });

  it('of gRPC match service and method', () => {
    const documents = [gateway(http), service('echo'), route('rules: [{ matches: [{ method: { service: shop.Cart, method: Add } }], backendRefs: [{ name: echo, port: 80 }] }]', 'infra', 'grpc', 'GRPCRoute')];
    expect(send(documents, '/shop.Cart/Add', 'example.org', 80, 'POST').status).toBe(200);
    expect(send(documents, '/shop.Cart/Remove', 'example.org', 80, 'POST').status).toBe(404);
  });
});

describe('statuses', () => {
  it('accept what is right and count attached routes', () => {
    const documents = [gateway(http), service('echo'), route('rules: [{ backendRefs: [{ name: echo, port: 80 }] }]')];
    expect(reasons(statusOf(documents, 'Gateway')['conditions'])).toEqual({ Accepted: 'True Accepted', Programmed: 'True Programmed' });
    expect(listenerOf(documents).attachedRoutes).toBe(1);
    expect(reasons(listenerOf(documents).conditions)).toEqual({ Accepted: 'True Accepted', Programmed: 'True Programmed', ResolvedRefs: 'True ResolvedRefs', Conflicted: 'False NoConflicts' });
    expect(parentOf(documents)).toEqual({ Accepted: 'True Accepted', ResolvedRefs: 'True ResolvedRefs' });
  });

  it('say why a route does not attach', () => {
    const rules = 'rules: [{ backendRefs: [{ name: echo, port: 80 }] }]';
    expect(parentOf([gateway(http), service('echo', 'other'), route(rules, 'other')])['Accepted']).toBe('False NotAllowedByListeners');
    expect(parentOf([gateway('{ name: http, port: 80, protocol: HTTP, hostname: foo.com }'), service('echo'), route(`hostnames: [bar.com], ${rules}`)])['Accepted']).toBe('False NoMatchingListenerHostname');
    expect(parentOf([gateway(http), service('echo'), route(rules).replace('name: web, namespace: infra', 'name: web, port: 81')])['Accepted']).toBe('False NoMatchingParent');
    expect(parentOf([gateway(http), route(rules)])['ResolvedRefs']).toBe('False BackendNotFound');
    expect(parentOf([gateway(http), route('rules: [{ backendRefs: [{ group: a.io, kind: B, name: c }] }]')])['ResolvedRefs']).toBe('False InvalidKind');
    expect(parentOf([gateway(http), service('echo', 'other'), route('rules: [{ backendRefs: [{ name: echo, namespace: other, port: 80 }] }]')])['ResolvedRefs']).toBe('False RefNotPermitted');
  });

  it('say why a listener is not served', () => {
    const of = (listener: string): Readonly<Record<string, string>> => reasons(listenerOf([gateway(listener)]).conditions);
    expect(of('{ name: x, port: 1111, protocol: ODD }')['Accepted']).toBe('False UnsupportedProtocol');
    expect(of('{ name: x, port: 80, protocol: HTTP, allowedRoutes: { kinds: [{ kind: TCPRoute }] } }')['ResolvedRefs']).toBe('False InvalidRouteKinds');
    expect(of('{ name: x, port: 443, protocol: HTTPS, tls: { certificateRefs: [{ name: gone }] } }')).toMatchObject({ ResolvedRefs: 'False InvalidCertificateRef', Programmed: 'False Invalid' });
    expect(of('{ name: x, port: 443, protocol: HTTPS, tls: { certificateRefs: [{ name: there, namespace: other }] } }')['ResolvedRefs']).toBe('False RefNotPermitted');
    expect(of('{ name: x, port: 80, protocol: HTTP }, { name: y, port: 80, protocol: TCP }')['Conflicted']).toBe('True ProtocolConflict');
    expect(reasons(statusOf([gateway('{ name: x, port: 1111, protocol: ODD }')], 'Gateway')['conditions'])['Accepted']).toBe('False ListenersNotValid');
  });
});

describe('deployment', () => {
  it('makes a gateway of its own but where the addresses name a service', () => {
    expect(managedGateways(snapshot([gateway(http)]).resources).map(({ name, ports }) => ({ name, ports }))).toEqual([{ name: 'web-istio', ports: [80] }]);
    expect(managedGateways(snapshot([gateway(http, ', addresses: [{ type: Hostname, value: own.infra.svc.cluster.local }]')]).resources)).toEqual([]);
  });
});
