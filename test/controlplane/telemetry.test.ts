import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { durationBuckets, type MetricDelta, type RequestRecord } from '../../src/contract/index.ts';
import { createTelemetryIntake, defaultIntakeLimits } from '../../src/controlplane/telemetry/intake.ts';
import { delta, record } from '../core/traffic/samples.ts';
import { pod, startFixture, until, type Fixture } from './fixture.ts';

describe('telemetry', () => {
  let lab: Fixture;
  beforeEach(async () => {
    lab = await startFixture();
    await lab.core.setPods([pod('a')]);
  });
  afterEach(() => lab.close());

  it('reaches core: records soon, metrics each second, both on demand', async () => {
    const records: RequestRecord[] = [];
    const metrics: MetricDelta[] = [];
    lab.core.on('records', (some) => { records.push(...some); });
    lab.core.on('metrics', (some) => { metrics.push(...some); });
    await lab.core.subscribe();
    const proxy = await lab.proxy('a');
    const sent = performance.now();
    proxy.say({ telemetry: { records: [record({ key: 'k1', proxy: 'default/a', path: '/reviews/0' })], skipped: 0, metrics: [delta({ requests: 2 })] } });
    proxy.say({ telemetry: { records: [record({ key: 'k2', proxy: 'default/a', path: '/other' })], skipped: 0, metrics: [delta({ requests: 3 })] } });
    await until('records are there', () => records.length === 2);
    expect(performance.now() - sent).toBeLessThan(250);
    await until('metrics are there', () => metrics.length > 0);
    expect(metrics).toHaveLength(1);
    expect(metrics[0]?.requests).toBe(5);
    expect((await lab.core.records({ text: 'get /reviews/0' })).map(({ key }) => key)).toEqual(['k1']);
    expect((await lab.core.records({})).map(({ key }) => key)).toEqual(['k2', 'k1']);
    expect(await lab.core.trace('0000000000000000')).toBeNull();
  });

  it('is printed as Istio’s standard metrics', async () => {
    const proxy = await lab.proxy('a');
    const durations = [...durationBuckets.map((bound) => (bound === 5 ? 2 : 0)), 1];
    proxy.say({ telemetry: { records: [], skipped: 0, metrics: [delta({ requests: 3, durations, durationSum: 9, requestBytes: 10, responseBytes: 600 }, { destination_app: 'we"ird\\\n' })] } });
    const read = async (): Promise<string> => (await fetch(`http://127.0.0.1:${lab.control.metricsPort}/metrics`)).text();
    await until('it is counted', async () => (await read()).includes('istio_requests_total{'));
    const text = await read();
    const line = (start: string, more = ''): string | undefined => text.split('\n').find((candidate) => candidate.startsWith(start) && candidate.includes(more));
    expect(line('istio_requests_total{')).toMatch(/ 3$/);
    expect(line('istio_requests_total{')).toContain('destination_app="we\\"ird\\\\\\n"');
    expect(line('istio_request_duration_milliseconds_bucket{', 'le="1"')).toMatch(/ 0$/);
    expect(line('istio_request_duration_milliseconds_bucket{', 'le="5"')).toMatch(/ 2$/);
    expect(line('istio_request_duration_milliseconds_bucket{', 'le="+Inf"')).toMatch(/ 3$/);
    expect(line('istio_request_duration_milliseconds_sum{')).toMatch(/ 9$/);
    expect(line('istio_response_bytes_sum{')).toMatch(/ 600$/);
    expect(line('pilot_xds_pushes{', 'type="cds"')).toMatch(/ \d+$/);
    expect(text).toContain('# TYPE istio_tcp_connections_opened_total counter');
    expect(await lab.core.metricsText()).toContain('istio_requests_total{');
  });

  it('names a caller that could not say who it is by its address, and proves nothing by it', async () => {
    const nobody = { pod: '', workload: '', namespace: '', app: '', version: '', principal: '', ip: '' };
    const [caller] = await lab.core.pods();
    const proxy = await lab.proxy('a');
    const refused = { proxy: 'default/a', protocol: 'tcp', flags: ['DPE'], details: 'tls_handshake_failed{}' } as const;
    proxy.say({ telemetry: { records: [record({ ...refused, key: 'lab', source: { ...nobody, ip: caller?.ip ?? '' } }), record({ ...refused, key: 'stranger', source: { ...nobody, ip: '192.0.2.9' } })], skipped: 0, metrics: [] } });
    await until('the records are there', async () => (await lab.core.records({})).length === 2);
    const bySource = Object.fromEntries((await lab.core.records({})).map(({ key, source }) => [key, [source.workload, source.principal, source.ip]]));
    expect(bySource).toEqual({ lab: [caller?.workload, '', caller?.ip], stranger: ['', '', '192.0.2.9'] });
  });

  it('leaves out what does not fit and what speaks for another proxy', () => {
    const intake = createTelemetryIntake();
    intake.take('default/a', {
      records: [record({ key: 'good', proxy: 'default/a' }), record({ key: 'forged', proxy: 'default/b' }), { key: 'torn' }, null, record({ key: 'nan', proxy: 'default/a', duration: -1 })],
      metrics: [{ labels: {} }, delta({ requests: -5 }), delta({ requests: 1 })],
    });
    intake.take('default/a', { records: 'no list', metrics: { length: 1e9 } });
    expect(intake.records({}).map(({ key }) => key)).toEqual(['good']);
    expect(intake.text()).toMatch(/istio_requests_total\{.*\} 1\n/);
    intake.stop();
  });

  it('bounds records and label sets', () => {
    const intake = createTelemetryIntake({ ...defaultIntakeLimits, records: 10, series: 2 });
    for (let i = 0; i < 50; i++) intake.take('p/p', { records: [record({ key: String(i), proxy: 'p/p' })], metrics: [delta({ requests: 1 }, { source_app: `app${i}` })] });
    expect(intake.records({}).map(({ key }) => key)).toEqual(['49', '48', '47', '46', '45', '44', '43', '42', '41', '40']);
    expect(intake.text().match(/^istio_requests_total/gm)).toHaveLength(2);
    intake.stop();
  });
});

describe('core’s connection', () => {
  it('says control-plane-gone while it is down, comes back by itself and is subscribed again', async () => {
    const lab = await startFixture();
    const states: string[] = [];
    const statuses: string[] = [];
    lab.core.onState((state) => states.push(state));
    lab.core.on('status', ({ version }) => { statuses.push(version); });
    await lab.core.subscribe();
    let failure: unknown;
    await lab.restart(async () => {
      await until('the loss is noticed', () => lab.core.state === 'reconnecting');
      failure = await lab.core.status().catch((error: unknown) => error);
    });
    expect(failure).toMatchObject({ name: 'LabFailure', code: 'control-plane-gone' });
    await until('it is back', () => lab.core.state === 'connected');
    expect(states).toEqual(['reconnecting', 'connected']);
    statuses.length = 0;
    const { version } = await lab.core.setFiles([{ path: 'a', text: '{"kind":"Service","name":"a"}' }]);
    await until('events come again', () => statuses.includes(version));
    await lab.close();
  });

  it('rejects calls that it does not know', async () => {
    const lab = await startFixture();
    await expect((lab.core.setFiles as (files: unknown) => Promise<unknown>)('files')).rejects.toMatchObject({ code: 'usage' });
    await expect(lab.core.proxyConfig('default/none', 'routes')).rejects.toMatchObject({ code: 'pod-not-found' });
    await lab.close();
  });
});
