import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasPeer, noEngine, sample, startLab, until, type TestLab } from './support/index.ts';

const why = noEngine ?? (hasPeer ? undefined : 'Istio’s sample files are not here');

describe.skipIf(why !== undefined)(`Istio’s task page on TCP traffic shifting${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let lab: TestLab;
  let port: number;

  beforeAll(async () => {
    lab = await startLab('test-tcp', sample('tcp-echo/tcp-echo-services.yaml', 'tcp-echo/tcp-echo-all-v1.yaml'));
    await lab.synced();
    port = (await lab.status()).ingress.find((open) => open.port === 31400)?.hostPort ?? 0;
  });
  afterAll(async () => { await lab?.down(); });

  const say = (): Promise<string> => new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let heard = '';
    socket.on('data', (data) => { heard += data.toString(); if (heard.includes('\n')) { socket.end(); resolve(heard.trim()); } });
    socket.on('error', reject);
    socket.on('close', () => { resolve(heard.trim()); });
    socket.write('hello\n');
  });

  it('sends everything to v1 first', async () => {
    for (let i = 0; i < 20; i += 1) expect(await say()).toBe('one hello');
  });

  it('sends a fifth to v2 after the weights have changed', async () => {
    await lab.apply(sample('tcp-echo/tcp-echo-20-v2.yaml'));
    const heard: string[] = [];
    for (let i = 0; i < 200; i += 1) heard.push(await say());
    const second = heard.filter((line) => line === 'two hello').length;
    expect(heard.every((line) => line === 'one hello' || line === 'two hello')).toBe(true);
    expect(second).toBeGreaterThan(15);
    expect(second).toBeLessThan(70);
    await until('TCP records with mTLS', async () => (await lab.records({ service: 'tcp-echo' })).some((record) => record.protocol === 'tcp' && record.mtls && record.bytesReceived > 0));
    expect(await lab.core.metrics({ lab: lab.name })).toMatch(/istio_tcp_connections_opened_total\{[^}]*destination_workload="tcp-echo-v2"/);
  });
});
