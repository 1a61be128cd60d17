import type { RequestRecord, Switches } from '../../src/contract/index.ts';
import { bookinfo, type FakeWorkload } from './bookinfo.ts';
import { recordMaker, seeded, type FakePod, type HopPlan } from './records.ts';

/** A played traffic: pods, and the records of one page after another. */
export interface Scenario {
  readonly pods: readonly FakePod[];
  readonly workloads: readonly FakeWorkload[];
  /** Records of one request at the ingress and all that follows from it. */
  page(time: number): readonly RequestRecord[];
  /** Traffic that nobody asked for: the curl pod. */
  background(time: number): readonly RequestRecord[];
}

function podsOf(workloads: readonly FakeWorkload[]): readonly FakePod[] {
  let ip = 10;
  return workloads.flatMap(({ app, version, pods }) => Array.from({ length: pods }, (_, index) => {
    const workload = version === 'latest' ? app : `${app}-${version}`;
    ip += 1;
    return { name: `${workload}-${(0x6b5d + ip * 977).toString(16)}-${'bcdfghjk'.charAt(index)}x${ip}`, app, version, workload, ip: `10.201.0.${ip}` };
  }));
}

/** Bookinfo as people know it, with a fault now and then, a 404, a retry, and a client that is denied. */
export function bookinfoScenario(switches: () => Switches, seed = 7): Scenario {
  const random = seeded(seed);
  const pods = podsOf(bookinfo);
  const mtls = (): boolean => switches().mtls[''] !== 'DISABLE';
  const make = recordMaker(random, mtls, switches);
  const pick = (app: string, version?: string): FakePod => {
    const found = pods.filter(pod => pod.app === app && (version === undefined || pod.version === version));
    return found[Math.floor(random() * found.length)] as FakePod;
  };
  const draw = (host: string): string => {
    const weights = Object.entries(switches().weights.find(each => each.host === host)?.weights ?? { v1: 34, v2: 33, v3: 33 });
    let rest = random() * weights.reduce((sum, [, weight]) => sum + weight, 0);
    return (weights.find(([, weight]) => (rest -= weight) < 0) ?? weights[0])?.[0] ?? 'v1';
  };
  const latency = (base: number): number => base * (0.6 + random() * 0.8) + (random() < 0.02 ? base * 6 : 0);
  const trace = (): { requestId: string; traceId: string } => ({ requestId: crypto.randomUUID(), traceId: crypto.randomUUID().replaceAll('-', '') });

  const hop = (plan: HopPlan): HopPlan => {
    const fault = switches().faults.find(each => each.host === plan.service);
    const delayed = fault?.delay !== undefined && random() * 100 < fault.delay.percent ? fault.delay.milliseconds : 0;
    const aborted = fault?.abort !== undefined && random() * 100 < fault.abort.percent ? fault.abort.status : 0;
    if (aborted > 0) return { ...plan, to: undefined, status: aborted, flags: delayed > 0 ? ['DI', 'FI'] : ['FI'], details: 'fault_filter_abort', duration: delayed + 0.4 };
    return delayed > 0 ? { ...plan, flags: ['DI'], duration: plan.duration + delayed } : plan;
  };

  const page = (time: number): readonly RequestRecord[] => {
    const ids = trace();
    const entry = pick('istio-ingressgateway');
    if (random() < 0.02) return make({ from: entry, to: undefined, service: 'productpage', path: '/favicon.ico', status: 404, flags: ['NR'], details: 'route_not_found', duration: 0.3 }, time, ids);
    const front = pick('productpage');
    const version = draw('reviews');
    const review = pick('reviews', version);
    const details = hop({ from: front, to: pick('details'), service: 'details', path: '/details/0', status: 200, duration: latency(6) });
    const ratings = version === 'v1' ? undefined : hop({ from: review, to: pick('ratings'), service: 'ratings', path: '/ratings/0', status: 200, duration: latency(4) });
    const chance = random();
    let reviews = hop({ from: front, to: review, service: 'reviews', path: '/reviews/0', status: 200, duration: latency(14) + (ratings?.duration ?? 0) });
    if (chance < 0.01 && reviews.flags === undefined) reviews = { ...reviews, to: undefined, status: 503, flags: ['UH'], details: 'no_healthy_upstream', duration: 0.5 };
    const late = random() < 0.006;
    const shown = ratings === undefined ? undefined : late ? { ...ratings, status: 504, flags: ['UT'] as const, details: 'upstream_response_timeout', duration: 3000 } : ratings;
    const whole = details.duration + reviews.duration + latency(8) + (late ? 3000 : 0);
    const root: HopPlan = { from: entry, to: front, service: 'productpage', path: '/productpage', status: 200, duration: whole, retries: random() < 0.02 ? 1 : 0 };
    return [
      ...(shown === undefined ? [] : make(shown, time + 11, ids)),
      ...make(details, time + 3, ids), ...make(reviews, time + 9, ids), ...make(root, time, ids),
    ];
  };

  const background = (time: number): readonly RequestRecord[] => {
    const curl = pick('curl');
    if (random() < 0.4) return make({ from: curl, to: pick('productpage'), service: 'productpage', method: 'POST', path: '/login', status: 403, duration: latency(3), deniedAtDestination: true }, time, trace());
    if (random() < 0.3) return make({ from: curl, to: pick('details'), service: 'details', path: '/details/abc', status: 400, duration: latency(3) }, time, trace());
    return make({ from: pick('ratings'), to: pick('mongodb'), service: 'mongodb', method: '', path: '', status: 0, protocol: 'tcp', duration: latency(900) }, time, { requestId: '', traceId: '' });
  };
  return { pods, workloads: bookinfo, page, background };
}

/** A big random mesh: layers of services, for measuring. */
export function bigScenario(nodes: number, edges: number, seed = 11): Scenario {
  const random = seeded(seed);
  const workloads: FakeWorkload[] = [{ app: 'istio-ingressgateway', version: 'latest', kind: 'gateway', pods: 1 }];
  for (let index = 1; index < nodes; index += 1) workloads.push({ app: `service-${String(index).padStart(2, '0')}`, version: 'v1', kind: 'workload', pods: 1 });
  const pods = podsOf(workloads);
  const links = new Map<string, readonly [FakePod, FakePod]>();
  for (let index = 1; index < nodes; index += 1) {
    const parent = pods[Math.floor((index - 1) / 3)];
    const child = pods[index];
    if (parent !== undefined && child !== undefined) links.set(`${parent.app}>${child.app}`, [parent, child]);
  }
  while (links.size < edges) {
    const from = 1 + Math.floor(random() * (nodes - 2));
    const to = from + 1 + Math.floor(random() * Math.min(12, nodes - from - 1));
    const [one, two] = [pods[from], pods[to]];
    if (one !== undefined && two !== undefined) links.set(`${one.app}>${two.app}`, [one, two]);
  }
  const all = [...links.values()];
  const none: Switches = { faults: [], weights: [], mtls: { '': 'STRICT' } };
  const make = recordMaker(random, () => true, () => none);
  let turn = 0;
  const page = (time: number): readonly RequestRecord[] => {
    const link = all[turn++ % all.length];
    if (link === undefined) return [];
    const failed = random() < 0.05;
    return make({ from: link[0], to: link[1], service: link[1].app, path: '/', status: failed ? 500 : 200, duration: 5 + random() * 60 }, time, { requestId: crypto.randomUUID(), traceId: crypto.randomUUID().replaceAll('-', '') });
  };
  return { pods, workloads, page, background: () => [] };
}
