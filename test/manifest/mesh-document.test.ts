import { describe, expect, it } from 'vitest';
import { meshConfigFrom } from '../../src/compile/index.ts';
import { meshDocument, parseManifests, validate } from '../../src/manifest/index.ts';

const configMap = (mesh: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: istio, namespace: istio-system }\ndata:\n  mesh: |-\n${mesh.replace(/^/gm, '    ')}`;
const operator = (spec: string): string => `apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: { name: install, namespace: istio-system }\nspec:\n${spec.replace(/^/gm, '  ')}`;
const read = (...texts: readonly string[]): ReturnType<typeof parseManifests> => parseManifests(texts.map((text, index) => ({ path: `${index}.yaml`, text })));
const said = (text: string): readonly string[] => {
  const { resources, diagnostics } = read(text);
  return [...diagnostics, ...resources.flatMap(validate)].map(({ level, line, column, code }) => `${level} ${code} ${line}:${column}`);
};

describe('the ConfigMap istio', () => {
  it('sets what the lab runs', () => {
    const { resources } = read(configMap('outboundTrafficPolicy: { mode: REGISTRY_ONLY }\npathNormalization: { normalization: MERGE_SLASHES }\nconnectTimeout: 3s\naccessLogFile: ""'));
    expect(meshConfigFrom(meshDocument(resources))).toMatchObject({ outboundTrafficPolicy: 'REGISTRY_ONLY', pathNormalization: 'MERGE_SLASHES', connectTimeout: 3000, accessLogFile: '' });
  });

  it('that does not parse is an error at its line, and leaves the defaults', () => {
    const broken = configMap('enableAutoMtls: false\naccessLogFile: [');
    expect(said(broken)).toEqual(['error WEFT0001 7:21']);
    expect(meshDocument(read(broken).resources)).toEqual({});
  });

  it('names fields of the wrong shape, unknown ones and those that are not run, at their lines', () => {
    expect(said(configMap('enableAutoMtls: 5\noutboundTraficPolicy: {}\naccessLogFormat: "[%START_TYME%]"\nconnectTimeout: 0s'))).toEqual(['error IST0106 6:5', 'warning WEFT0006 7:5', 'error IST0106 8:5', 'error IST0106 9:5']);
  });

  it('must have a log format that Envoy has operators for, in JSON an object', () => {
    expect(said(configMap('accessLogFormat: "[%START_TIME(%s)%] %REQ(A?B):5%"\naccessLogEncoding: TEXT'))).toEqual([]);
    expect(said(configMap('accessLogFormat: |\n  { "a": "%DURATION%" }\naccessLogEncoding: JSON'))).toEqual([]);
    expect(said(configMap('accessLogFormat: "[%DURATION%]"\naccessLogEncoding: JSON'))).toHaveLength(1);
  });

  it('of another name or namespace is an ordinary one', () => {
    expect(said('apiVersion: v1\nkind: ConfigMap\nmetadata: { name: istio }\ndata: { mesh: "[" }')).toEqual([]);
  });
});

describe('an IstioOperator', () => {
  it('sets the mesh config, and the ConfigMap goes over it', () => {
    const { resources } = read(operator('profile: demo\nmeshConfig:\n  enableAutoMtls: false\n  outboundTrafficPolicy: { mode: REGISTRY_ONLY }'), configMap('enableAutoMtls: true'));
    expect(meshConfigFrom(meshDocument(resources))).toMatchObject({ enableAutoMtls: true, outboundTrafficPolicy: 'REGISTRY_ONLY' });
  });

  it('takes the mesh config of its Helm values, below its own, and names the other values at their lines', () => {
    const text = operator('values:\n  meshConfig: { enableAutoMtls: false, connectTimeout: 3s, acessLogFile: x }\n  global:\n    proxy: { logLevel: debug }\nmeshConfig: { connectTimeout: 4s }');
    expect(meshConfigFrom(meshDocument(read(text).resources))).toMatchObject({ enableAutoMtls: false, connectTimeout: 4000 });
    expect(said(text)).toEqual(['warning WEFT0006 6:62', 'info WEFT0007 8:16']);
  });

  it('takes from its Helm values what proxies are told by default, and names the rest at its line', () => {
    const text = operator('values:\n  pilot:\n    traceSampling: 7\n    autoscaleEnabled: true\n  global:\n    proxy:\n      holdApplicationUntilProxyStarts: true\n      logLevel: debug\n    logAsJson: true');
    expect(meshDocument(read(text).resources)).toEqual({ defaultConfig: { tracing: { sampling: 7 }, holdApplicationUntilProxyStarts: true } });
    expect(said(text)).toEqual(['info WEFT0007 8:7', 'info WEFT0007 12:9', 'info WEFT0007 13:7']);
    expect(meshConfigFrom(meshDocument(read(operator('values: { pilot: { traceSampling: 7 } }\nmeshConfig: { defaultConfig: { tracing: { sampling: 9 } } }')).resources)).tracing.sampling).toBe(9);
    expect(said(operator('values: { pilot: { traceSampling: 700 } }'))).toEqual(['error IST0106 5:22']);
  });

  it('is read as any manifest: what a lab does not run is said, a profile that is none is an error', () => {
    expect(said(operator('profile: huge'))).toEqual(['error IST0106 5:3']);
    expect(said(operator('meshConfig:\n  defaultConfig:\n    discoveryAddress: istiod:15012\nvalues: { gateways: {} }'))).toEqual(['info WEFT0007 7:7', 'info WEFT0007 8:13']);
    expect(said(operator('components:\n  pilot: { enabled: true }\n  base: { enabled: true }'))).toEqual(['info WEFT0007 6:5', 'info WEFT0007 7:5']);
    expect(said(operator('meshConfig:\n  outboundTrafficPolicy: { mode: NONE }'))).toEqual(['error IST0106 6:30']);
  });
});
