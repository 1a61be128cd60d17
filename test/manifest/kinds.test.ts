import { describe, expect, it } from 'vitest';
import { parseManifests, validate } from '../../src/manifest/index.ts';

/** What is said against a spec, as `level line path`. */
function said(apiVersion: string, kind: string, spec: string): readonly string[] {
  const text = `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: a }\nspec:\n${spec.replace(/^/gm, '  ')}`;
  const { resources, diagnostics } = parseManifests([{ path: 'a.yaml', text }]);
  return [...diagnostics, ...resources.flatMap(validate)].filter(({ level }) => level !== 'info').map(({ level, line, path }) => `${level} ${line} ${path}`);
}
const telemetry = (spec: string): readonly string[] => said('telemetry.istio.io/v1', 'Telemetry', spec);
const envoyFilter = (spec: string): readonly string[] => said('networking.istio.io/v1alpha3', 'EnvoyFilter', spec);
const patch = (text: string): readonly string[] => envoyFilter(`configPatches:\n- ${text.replace(/\n/g, '\n  ')}`);

describe('Telemetry', () => {
  it('is accepted as the documentation writes it', () => {
    expect(telemetry('accessLogging:\n- providers: [{ name: envoy }]\n  filter: { expression: "response.code >= 400 || connection.mtls" }\nmetrics:\n- overrides:\n  - match: { metric: REQUEST_COUNT, mode: CLIENT }\n    tagOverrides: { host: { value: "request.host" }, source_app: { operation: REMOVE } }')).toEqual([]);
  });

  it('doubts a second provider of traces and refuses expressions that do not parse', () => {
    expect(telemetry('tracing:\n- providers: [{ name: a }, { name: b }]\n- {}')).toEqual(['warning 5 spec.tracing', 'warning 6 spec.tracing[0].providers']);
    expect(telemetry('accessLogging:\n- filter:\n    expression: "response.code >="')).toEqual(['error 7 spec.accessLogging[0].filter.expression']);
    expect(telemetry('tracing:\n- customTags:\n    team: {}')).toEqual(['error 7 spec.tracing[0].customTags.team']);
  });
});

describe('EnvoyFilter', () => {
  it('is accepted as the rate limit task writes it', () => {
    expect(patch('applyTo: HTTP_FILTER\nmatch:\n  context: SIDECAR_INBOUND\n  listener: { filterChain: { filter: { name: envoy.filters.network.http_connection_manager } } }\npatch:\n  operation: INSERT_BEFORE\n  value:\n    name: envoy.filters.http.local_ratelimit\n    typed_config: { "@type": type.googleapis.com/udpa.type.v1.TypedStruct }')).toEqual([]);
  });

  it('needs to say what it applies to, what it does and with what', () => {
    expect(patch('patch: { operation: ADD }')).toEqual(['error 6 spec.configPatches[0]', 'error 6 spec.configPatches[0].patch']);
    expect(patch('applyTo: CLUSTER\npatch: { value: { name: a } }')).toEqual(['error 7 spec.configPatches[0].patch']);
    expect(patch('applyTo: CLUSTER')).toEqual(['error 6 spec.configPatches[0]']);
  });

  it('is chosen by the object that it applies to', () => {
    expect(patch('applyTo: CLUSTER\nmatch: { listener: { portNumber: 80 } }\npatch: { operation: REMOVE }')).toEqual(['error 7 spec.configPatches[0].match.listener']);
    expect(patch('applyTo: HTTP_FILTER\nmatch: { proxy: { proxyVersion: "^1\\\\.(" } }\npatch: { operation: REMOVE }')).toEqual(['error 7 spec.configPatches[0].match.proxy.proxyVersion']);
    expect(patch('applyTo: VIRTUAL_HOST\npatch: { operation: REPLACE, value: { name: a } }')).toEqual(['error 7 spec.configPatches[0].patch.operation']);
    expect(patch('applyTo: HTTP_FILTER\npatch: { operation: INSERT_FIRST, value: { typed_config: {} } }')).toEqual(['error 7 spec.configPatches[0].patch.value', 'error 7 spec.configPatches[0].patch.value.typed_config']);
  });
});

describe('WorkloadGroup', () => {
  const group = (spec: string): readonly string[] => said('networking.istio.io/v1', 'WorkloadGroup', spec);

  it('needs a template, and a probe that says how to ask', () => {
    expect(group('template: { serviceAccount: vm, labels: { app: a } }\nprobe: { httpGet: { port: 8080, path: /ready } }')).toEqual([]);
    expect(group('metadata: {}')).toEqual(['error 4 spec']);
    expect(group('template: {}\nprobe: { periodSeconds: 5 }')).toEqual(['error 6 spec.probe']);
  });
});

describe('WasmPlugin', () => {
  const plugin = (spec: string): readonly string[] => said('extensions.istio.io/v1alpha1', 'WasmPlugin', spec);

  it('needs the URL of a module', () => {
    expect(plugin('url: oci://registry.example/module:v1')).toEqual([]);
    expect(plugin('url: registry.example/module:v1')).toEqual([]);
    expect(plugin('url: gopher://a/b')).toEqual(['error 5 spec.url']);
    expect(plugin('phase: AUTHN')).toEqual(['error 4 spec']);
    expect(plugin('url: https://a/b\nvmConfig:\n  env: [{ name: A, valueFrom: HOST, value: b }]')).toEqual(['error 7 spec.vmConfig.env[0]']);
  });
});
