import { describe } from 'vitest';
import { networking, table, telemetry } from './table.ts';

describe('a Telemetry', () => {
  const tracing = (fields: object): object => ({ tracing: [fields] });
  const tag = (fields: object): object => tracing({ customTags: { a: fields } });
  const override = (fields: object): object => ({ metrics: [{ overrides: [fields] }] });
  const tags = (fields: object): object => override({ tagOverrides: { a: fields } });
  const filter = (expression: string): object => ({ accessLogging: [{ filter: { expression } }] });
  const gateway = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' };
  table({ apiVersion: telemetry, kind: 'Telemetry' }, [
    ['a selector without labels', { selector: { matchLabels: {} } }, 'warn'],
    ['a target and a selector', { selector: { matchLabels: { a: 'b' } }, targetRef: gateway }, 'bad'],
    ['a target', { targetRefs: [gateway] }, 'ok'],
    ['a target that is none', { targetRefs: [{ ...gateway, kind: 'Pod' }] }, 'bad'],
    ['all requests sampled', tracing({ randomSamplingPercentage: 100 }), 'ok'],
    ['more than all', tracing({ randomSamplingPercentage: 100.1 }), 'bad'],
    ['less than none', tracing({ randomSamplingPercentage: -1 }), 'bad'],
    ['a provider without a name', tracing({ providers: [{ name: '' }] }), 'bad'],
    ['a tag', tag({ literal: { value: 'x' } }), 'ok'],
    ['a tag of a header', tag({ header: { name: 'x-a', defaultValue: 'b' } }), 'ok'],
    ['a tag of nothing', tag({}), 'bad'],
    ['a tag of two things', tag({ literal: { value: 'x' }, header: { name: 'y' } }), 'bad'],
    ['a tag of an empty text', tag({ literal: { value: '' } }), 'bad'],
    ['a tag of a header without a name', tag({ header: { name: '' } }), 'bad'],
    ['a tag of a variable without a name', tag({ environment: { name: '' } }), 'bad'],
    ['a tag without a name', tracing({ customTags: { '': { literal: { value: 'x' } } } }), 'bad'],
    ['a tag removed', tags({ operation: 'REMOVE' }), 'ok'],
    ['a tag removed with a value', tags({ operation: 'REMOVE', value: '"b"' }), 'bad'],
    ['a tag set', tags({ operation: 'UPSERT', value: 'request.method' }), 'ok'],
    ['a tag set to nothing', tags({ operation: 'UPSERT' }), 'bad'],
    ['a tag set, by default', tags({ value: 'request.method' }), 'ok'],
    ['a tag set to no expression', tags({ value: 'a +' }), 'bad'],
    ['a metric and a metric of its own', override({ match: { metric: 'REQUEST_COUNT', customMetric: 'a' } }), 'bad'],
    ['a metric of its own without a name', override({ match: { customMetric: '' } }), 'bad'],
    ['a metric that nobody knows', override({ match: { metric: 'LATENCY' } }), 'bad'],
    ['a metric turned off', override({ match: { metric: 'ALL_METRICS', mode: 'CLIENT' }, disabled: true }), 'ok'],
    ['an interval below a millisecond', { metrics: [{ reportingInterval: '1us' }] }, 'bad'],
    ['a filter', filter('response.code >= 400 || request.headers["x-debug"] == "1"'), 'ok'],
    ['a filter that does not end', filter('response.code >='), 'bad'],
    ['an empty filter', filter(''), 'bad'],
  ]);
});

describe('a ProxyConfig', () => {
  table({ apiVersion: networking, kind: 'ProxyConfig' }, [
    ['concurrency', { concurrency: 0 }, 'ok'],
    ['concurrency below 0', { concurrency: -1 }, 'bad'],
    ['a selector', { selector: { matchLabels: { a: 'b' } }, concurrency: 2 }, 'ok'],
    ['a selector without labels', { selector: {} }, 'warn'],
    ['a selector with a wildcard', { selector: { matchLabels: { a: '*' } } }, 'bad'],
    ['variables', { environmentVariables: { A: 'b' } }, 'ok'],
  ]);
});

describe('a WasmPlugin', () => {
  const url = 'oci://registry.example.com/plugin:v1';
  const sum = 'a'.repeat(64);
  table({ apiVersion: 'extensions.istio.io/v1alpha1', kind: 'WasmPlugin' }, [
    ['a URL', { url }, 'ok'],
    ['a file', { url: 'file:///opt/plugin.wasm' }, 'ok'],
    ['an image without a scheme', { url: 'registry.example.com/plugin' }, 'ok'],
    ['ftp', { url: 'ftp://a.b/c' }, 'bad'],
    ['an empty URL', { url: '' }, 'bad'],
    ['a sum', { url, sha256: sum }, 'ok'],
    ['a sum in capitals', { url, sha256: 'A'.repeat(64) }, 'bad'],
    ['a sum that is short', { url, sha256: 'a'.repeat(63) }, 'bad'],
    ['a sum that differs from the URL', { url: `oci://a.b/c@sha256:${'b'.repeat(64)}`, sha256: sum }, 'bad'],
    ['a variable', { url, vmConfig: { env: [{ name: 'A', value: 'b' }] } }, 'ok'],
    ['a variable of the host with a value', { url, vmConfig: { env: [{ name: 'A', valueFrom: 'HOST', value: 'b' }] } }, 'bad'],
    ['a variable twice', { url, vmConfig: { env: [{ name: 'A', value: 'b' }, { name: 'A', value: 'c' }] } }, 'bad'],
    ['a port', { url, match: [{ ports: [{ number: 80 }] }] }, 'ok'],
    ['port 0', { url, match: [{ ports: [{ number: 0 }] }] }, 'bad'],
    ['port 65536', { url, match: [{ ports: [{ number: 65536 }] }] }, 'bad'],
    ['a port twice', { url, match: [{ ports: [{ number: 80 }, { number: 80 }] }] }, 'bad'],
    ['a selector without labels', { url, selector: {} }, 'warn'],
  ]);
});
