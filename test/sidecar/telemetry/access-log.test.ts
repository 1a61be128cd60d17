import { describe, expect, test } from 'vitest';
import type { RequestRecord } from '../../../src/contract/index.ts';
import type { AccessFacts } from '../../../src/sidecar/runtime.ts';
import { accessLogWriter } from '../../../src/sidecar/telemetry/access-log.ts';
import { typeUrl } from '../../../src/xds/index.ts';
import { nobody } from '../../../src/sidecar/telemetry/peer.ts';
import { istioJsonFormat, parseLogTemplate, substitutionFormat } from '../../../src/util/access-log-format.ts';

const request: RequestRecord = {
  key: 'k', time: Date.UTC(2030, 0, 2, 3, 4, 5, 6), reporter: 'source', proxy: 'default/a', requestId: 'r', traceId: 't', spanId: 's', parentSpanId: '', sampled: true, source: nobody, destination: nobody,
  service: 'b.default.svc.cluster.local', protocol: 'http', method: 'GET', authority: 'b:80', path: '/x', status: 200, flags: [], details: 'via_upstream', duration: 7.4, upstreamDuration: 6, bytesReceived: 1, bytesSent: 2, retries: 1,
  mtls: true, listener: '0.0.0.0_80', route: 'b:80/*', cluster: 'outbound|80||b.default.svc.cluster.local', endpoint: '10.0.0.2:8080', decision: [],
  requestHeaders: [['user-agent', 'curl'], ['x-request-id', 'r'], ['x-two', 'one'], ['x-two', 'other']], responseHeaders: [['content-type', 'text/plain']],
};
const facts: AccessFacts = {
  downstreamLocalAddress: '10.9.0.1:80', downstreamRemoteAddress: '10.0.0.1:4444', downstreamDirectRemoteAddress: '10.0.0.1:4444', upstreamLocalAddress: '10.0.0.1:5555', requestedServerName: '', protocol: 'HTTP/1.1', routeName: 'default', headers: () => ({ request: {}, response: {} }),
  trailers: new Map([['grpc-status', '0']]),
};
const log = (format: string, encoding: 'TEXT' | 'JSON' = 'TEXT') => accessLogWriter({ typedConfig: { '@type': typeUrl.fileAccessLog, logFormat: substitutionFormat(format, encoding) } })!;
const written = (format: string, more: Partial<RequestRecord> = {}, other: Partial<AccessFacts> = {}): string => log(`${format}`)({ ...request, ...more }, { ...facts, ...other }).replace(/\n$/, '');

describe('access log lines', () => {
  test('are in Istio’s format by default', () => {
    expect(log('')(request, facts)).toBe('[2030-01-02T03:04:05.006Z] "GET /x HTTP/1.1" 200 - via_upstream - "-" 1 2 7 6 "-" "curl" "r" "b:80" "10.0.0.2:8080" outbound|80||b.default.svc.cluster.local 10.0.0.1:5555 10.9.0.1:80 10.0.0.1:4444 - default\n');
  });

  test('of a connection have no request', () => {
    const tcp: RequestRecord = { ...request, protocol: 'tcp', method: '', authority: '', path: '', status: 0, details: '', requestHeaders: [], responseHeaders: [] };
    expect(log('')(tcp, { ...facts, protocol: '', routeName: '', requestedServerName: 'outbound_.80_._.b' })).toBe('[2030-01-02T03:04:05.006Z] "- - -" 0 - - - "-" 1 2 7 - "-" "-" "-" "-" "10.0.0.2:8080" outbound|80||b.default.svc.cluster.local 10.0.0.1:5555 10.9.0.1:80 10.0.0.1:4444 outbound_.80_._.b -\n');
  });

  test.each<[format: string, line: string, more?: Partial<RequestRecord>, other?: Partial<AccessFacts>]>([
    ['%REQ(:METHOD)% %REQ(:PATH)% %REQ(:AUTHORITY)%', 'GET /x b:80'],
    ['%REQ(X-MISSING?USER-AGENT)%', 'curl'],
    ['%REQ(X-MISSING?X-OTHER)%', '-'],
    ['%REQ(user-agent):2%', 'cu'],
    ['%REQ(X-TWO)%', 'one,other'],
    ['%RESP(Content-Type)% %RESP(:STATUS)% %TRAILER(GRPC-STATUS)%', 'text/plain 200 0'],
    ['%START_TIME(%Y/%m/%dT%H:%M:%S%z %s)%', '2030/01/02T03:04:05+0000 1893553445'],
    ['%START_TIME(%H.%3f %f %9f %j %b %a)%', '03.006 006000000 006000000 002 Jan Wed'],
    ['%RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS%', '503 no_healthy_upstream UH,URX', { status: 503, details: 'no healthy upstream', flags: ['UH', 'URX'] }],
    ['%UPSTREAM_TRANSPORT_FAILURE_REASON%', 'ECONNREFUSED', { flags: ['UF'], details: 'upstream_reset_before_response_started{ECONNREFUSED}' }],
    ['%CONNECTION_TERMINATION_DETAILS%', 'rbac_access_denied_matched_policy[none]', { protocol: 'tcp', details: 'rbac_access_denied_matched_policy[none]', flags: ['UAEX'] }],
    ['%PROTOCOL%', 'HTTP/2', {}, { protocol: 'HTTP/2' }],
    ['%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_LOCAL_PORT% %UPSTREAM_REQUEST_ATTEMPT_COUNT%', '10.0.0.1 80 2'],
    ['%DYNAMIC_METADATA(com.test:key)% %UPSTREAM_TLS_VERSION%', '- -'],
    ['100%% %DURATION%ms', '100% 7ms'],
  ])('%s', (format, line, more, other) => {
    expect(parseLogTemplate(format).problem).toBeUndefined();
    expect(written(format, more, other)).toBe(line);
  });

  test('stay lines whatever peers send', () => {
    expect(log('')({ ...request, path: '/"\r\n\u001b[2J', authority: 'a"b' }, facts)).not.toMatch(/[\r\u001b]|\n.|a"b/);
  });

  test('in JSON have Istio’s keys, numbers as numbers and null for nothing', () => {
    const json = JSON.parse(log('', 'JSON')(request, facts)) as Record<string, unknown>;
    expect(Object.keys(json).sort()).toEqual(Object.keys(istioJsonFormat).sort());
    expect(json).toMatchObject({ response_code: 200, duration: 7, bytes_sent: 2, method: 'GET', authority: 'b:80', requested_server_name: null, response_flags: null, upstream_service_time: '6' });
  });

  test('in JSON have the keys that were asked for, nested, with text around operators', () => {
    const format = '{"who": {"agent": "%REQ(USER-AGENT)%", "none": "%REQ(X)%"}, "line": "%REQ(:METHOD)% %REQ(X)%", "all": ["%DURATION%", 5, true]}';
    expect(JSON.parse(log(format, 'JSON')(request, facts))).toEqual({ who: { agent: 'curl', none: null }, line: 'GET -', all: [7, 5, true] });
  });
});

describe('formats', () => {
  test.each([
    ['%FOO%', /%FOO%/], ['%REQ%', /without an argument/], ['%DURATION(x)%', /takes no argument/], ['100% sure', /begins no operator/], ['%req(x)%', /begins no operator/],
  ])('%s is refused', (format, problem) => {
    expect(parseLogTemplate(format).problem).toMatch(problem);
    expect(substitutionFormat(format, 'TEXT')).toEqual(substitutionFormat('', 'TEXT'));
  });

  test('that are no JSON object give way to Istio’s keys', () => {
    for (const format of ['[%DURATION%]', '[]', '5', '{"a": "%FOO%"}']) expect(substitutionFormat(format, 'JSON')).toEqual({ jsonFormat: istioJsonFormat });
  });

  test('of none write nothing', () => {
    expect(accessLogWriter({})).toBeUndefined();
  });
});
