import 'reflect-metadata';
import { beforeAll, expect, test } from 'vitest';
import { createWorkloadCertificate } from '../../../src/sidecar/identity/workload-certificate.ts';
import { createSecretStore } from '../../../src/sidecar/tls/secrets.ts';
import { makeCa, type FakeCa } from '../../fakes/ca.ts';
import { fakeClock } from '../../fakes/clock.ts';
import { until } from '../../fakes/wait.ts';

const identity = 'spiffe://cluster.local/ns/default/sa/a';
const hour = 3_600_000;
let ca: FakeCa;
beforeAll(async () => { ca = await makeCa(); });

function make(random = 0.5) {
  const clock = fakeClock(Date.now());
  const secrets = createSecretStore();
  const requests: { id: number; pem: string }[] = [];
  const certificate = createWorkloadCertificate({ secrets, clock, random: () => random, trustDomain: 'cluster.local', identity, send: (request) => { requests.push(request); }, changed: () => undefined, log: () => undefined });
  const answer = async (uri = identity, lifetime = hour): Promise<void> => {
    const request = requests.at(-1);
    if (request === undefined) throw new Error('There was no request.');
    certificate.issued({ id: request.id, chain: await ca.sign(request.pem, uri, new Date(clock.now() + lifetime)), roots: ca.root });
  };
  const asked = (count: number): Promise<true> => until(`${count} requests`, () => requests.length === count && true);
  return { clock, secrets, requests, certificate, answer, asked };
}

test.each([[0, 0.49], [0.5, 0.5], [0.999, 0.51]])('with %d from the dice, renewal comes at %d of the life', async (random, share) => {
  const { clock, secrets, requests, certificate, answer, asked } = make(random);
  certificate.connected();
  await asked(1);
  await answer();
  const first = secrets.get('default');
  expect(certificate.ready).toBe(true);
  await clock.advance(hour * share - 10_000);
  expect(requests).toHaveLength(1);
  let waited = 0;
  await until('the renewal', async () => { await clock.advance(500); waited += 500; return requests.length === 2 && waited <= 30_000; });
  await answer();
  expect(secrets.get('default')?.key).not.toBe(first?.key);
});

test('after the clock has jumped, or a night’s sleep, renewal comes first', async () => {
  const { clock, certificate, answer, asked } = make();
  certificate.connected();
  await asked(1);
  await answer();
  clock.jump(hour * 0.7);
  await clock.advance(15_000);
  await asked(2);
});

test('an answer that is lost is asked for again', async () => {
  const { clock, certificate, asked } = make();
  certificate.connected();
  await asked(1);
  await clock.advance(16_000);
  await asked(2);
});

test('a certificate for somebody else, for another key, or of another request is not used', async () => {
  const { secrets, requests, certificate, answer, asked } = make();
  certificate.connected();
  await asked(1);
  await answer('spiffe://cluster.local/ns/default/sa/other');
  expect(certificate.ready).toBe(false);
  certificate.connected();
  await asked(2);
  const leaf = await ca.workload('default', 'a');
  certificate.issued({ id: requests.at(-1)?.id ?? 0, chain: leaf.certificate, roots: ca.root });
  certificate.issued({ id: 99, chain: leaf.certificate, roots: ca.root });
  expect(secrets.get('default')).toBeUndefined();
  certificate.connected();
  await asked(3);
  await answer();
  expect(certificate.ready).toBe(true);
});
