import type { DecisionStep, Peer, RequestRecord, ResponseFlag, Switches } from '../../src/contract/index.ts';

/** Which pods a fake lab has, by app and version. */
export interface FakePod {
  readonly name: string;
  readonly app: string;
  readonly version: string;
  readonly workload: string;
  readonly ip: string;
}

/** What a fake hop is made of. */
export interface HopPlan {
  readonly from: FakePod;
  readonly to: FakePod | undefined;
  readonly service: string;
  readonly method?: string;
  readonly path: string;
  readonly status: number;
  readonly flags?: readonly ResponseFlag[];
  readonly details?: string;
  readonly duration: number;
  readonly retries?: number;
  readonly protocol?: 'http' | 'tcp';
  readonly deniedAtDestination?: boolean;
}

/** Random numbers that are the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Makes records as the two proxies of a hop would. */
export function recordMaker(random: () => number, mtls: () => boolean, switches: () => Switches) {
  let counter = 0;
  /** The callee's span of each request, so that what the callee sends for it hangs below. */
  const inbound = new Map<string, string>();
  const hex = (length: number): string => Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join('');
  const peer = (pod: FakePod | undefined): Peer => ({
    pod: pod === undefined ? '' : `default/${pod.name}`, workload: pod?.workload ?? '', namespace: 'default', app: pod?.app ?? '', version: pod?.version ?? '',
    principal: pod !== undefined && mtls() ? `spiffe://cluster.local/ns/default/sa/bookinfo-${pod.app}` : '', ip: pod?.ip ?? '',
  });

  return function records(plan: HopPlan, time: number, trace: { readonly requestId: string; readonly traceId: string }): readonly RequestRecord[] {
    counter += 1;
    const flags = plan.flags ?? [];
    const host = plan.service.includes('.') ? plan.service : `${plan.service}.default.svc.cluster.local`;
    const subset = plan.to !== undefined && plan.service === 'reviews' ? plan.to.version : '';
    const cluster = flags.includes('NR') ? '' : `outbound|9080|${subset}|${host}`;
    const span = hex(16);
    const base: RequestRecord = {
      key: `default/${plan.from.name}#${counter}`, time, reporter: 'source', proxy: `default/${plan.from.name}`,
      requestId: trace.requestId, traceId: trace.traceId, spanId: span, parentSpanId: inbound.get(`${trace.traceId} ${plan.from.name}`) ?? '', sampled: true,
      source: peer(plan.from), destination: peer(plan.to), service: host, protocol: plan.protocol ?? 'http',
      method: plan.method ?? 'GET', authority: `${plan.service}:9080`, path: plan.path, status: plan.status, flags,
      details: plan.details ?? 'via_upstream', duration: plan.duration, upstreamDuration: flags.includes('FI') ? 0 : plan.duration * 0.96,
      bytesReceived: 0, bytesSent: 295 + Math.round(random() * 4000), retries: plan.retries ?? 0, mtls: plan.to !== undefined && mtls(),
      listener: plan.from.app === 'istio-ingressgateway' ? '0.0.0.0_8080' : '0.0.0.0_9080', route: plan.service, cluster, endpoint: plan.to === undefined || flags.includes('FI') ? '' : `${plan.to.ip}:9080`,
      decision: decision(plan, cluster, subset, switches()),
      requestHeaders: [[':method', plan.method ?? 'GET'], [':path', plan.path], [':authority', `${plan.service}:9080`], ['user-agent', 'weft-load/0.1'], ['x-request-id', trace.requestId], ['x-b3-traceid', trace.traceId], ['x-b3-spanid', span], ['traceparent', `00-${trace.traceId}-${span}-01`]],
      responseHeaders: [[':status', String(plan.status)], ['content-type', 'application/json'], ['x-envoy-upstream-service-time', String(Math.round(plan.duration))], ['server', 'istio-envoy']],
    };
    if (plan.to === undefined || flags.includes('FI') || flags.includes('UF') || flags.includes('UH')) return [base];
    counter += 1;
    const calleeSpan = hex(16);
    if (inbound.size > 2000) inbound.clear();
    inbound.set(`${trace.traceId} ${plan.to.name}`, calleeSpan);
    const denied = plan.deniedAtDestination === true;
    return [{
      ...base, key: `default/${plan.to.name}#${counter}`, reporter: 'destination', proxy: `default/${plan.to.name}`, parentSpanId: span, spanId: calleeSpan,
      duration: plan.duration * 0.93, listener: 'virtualInbound', route: 'default', cluster: denied ? '' : 'inbound|9080||', flags: [],
      details: denied ? 'rbac_access_denied_matched_policy[none]' : 'via_upstream', retries: 0,
      decision: [
        { stage: 'listener', what: 'virtualInbound' }, { stage: 'filter-chain', what: 'virtualInbound: mTLS, istio-http/1.1', why: 'the caller offered ALPN istio-http/1.1' },
        ...(denied ? [{ stage: 'filter' as const, what: 'envoy.filters.http.rbac: denied', why: 'no ALLOW policy matches principal cluster.local/ns/default/sa/bookinfo-curl', origin: { file: 'security/authorization.yaml', line: 8, kind: 'AuthorizationPolicy', name: 'productpage', namespace: 'default' } }] : []),
      ],
    }, base];
  };
}

function decision(plan: HopPlan, cluster: string, subset: string, switches: Switches): readonly DecisionStep[] {
  const flags = plan.flags ?? [];
  const gateway = plan.from.app === 'istio-ingressgateway';
  const file = gateway ? 'networking/bookinfo-gateway.yaml' : `networking/virtual-service-${plan.service}.yaml`;
  const origin = { file, line: gateway ? 19 : 8, kind: 'VirtualService', name: gateway ? 'bookinfo' : plan.service, namespace: 'default' };
  const written = gateway || plan.service === 'reviews' || switches.faults.some(each => each.host === plan.service);
  const steps: DecisionStep[] = [
    { stage: 'listener', what: gateway ? '0.0.0.0_8080' : '0.0.0.0_9080', why: 'destination port 9080 is captured' },
    { stage: 'virtual-host', what: gateway ? '*:8080' : `${plan.service}.default.svc.cluster.local:9080`, why: `authority ${plan.service}:9080` },
  ];
  if (flags.includes('NR')) {
    return [...steps, { stage: 'route', what: 'no route', why: `no rule matches ${plan.path}`, rejected: [
      { what: 'rule 1: exact /productpage', why: `path ${plan.path} is not /productpage`, origin },
      { what: 'rule 1: prefix /static', why: `path ${plan.path} does not start with /static`, origin: { ...origin, line: 21 } },
    ] }];
  }
  steps.push({
    stage: 'route', what: plan.service === 'reviews' ? `rule 1 of 1 → weight picks ${subset}` : 'rule 1 of 1', why: gateway ? 'path is exactly /productpage' : plan.service === 'reviews' ? `weights v1 50, v3 50; the draw fell on ${subset}` : 'every path matches',
    ...(written ? { origin } : {}),
    ...(plan.service === 'reviews' ? { rejected: [{ what: 'destination reviews v1', why: 'lost the weighted draw', origin: { ...origin, line: 9 } }] } : {}),
  });
  if (flags.includes('DI') || flags.includes('FI')) {
    const fault = switches.faults.find(each => each.host === plan.service);
    steps.push({ stage: 'filter', what: flags.includes('FI') ? `envoy.filters.http.fault: abort ${plan.status}` : `envoy.filters.http.fault: delay ${fault?.delay?.milliseconds ?? 0} ms`, why: `the draw fell within ${fault?.abort?.percent ?? fault?.delay?.percent ?? 100} %`, origin: { ...origin, line: 9 } });
    if (flags.includes('FI')) return steps;
  }
  steps.push({ stage: 'cluster', what: cluster });
  if (flags.includes('UH')) return [...steps, { stage: 'endpoint', what: 'none', why: 'no pod with labels app=reviews, version=v4 is ready', origin: { file: 'networking/destination-rule-reviews.yaml', line: 9, kind: 'DestinationRule', name: 'reviews', namespace: 'default' } }];
  steps.push({ stage: 'endpoint', what: `${plan.to?.ip ?? '10.0.0.9'}:9080`, why: `random among ready pods: ${plan.to?.name ?? 'pod'}` });
  if ((plan.retries ?? 0) > 0) steps.push({ stage: 'retry', what: 'attempt 2', why: 'attempt 1 failed: connect-failure', origin: { file: 'networking/bookinfo-gateway.yaml', line: 25, kind: 'VirtualService', name: 'bookinfo' } });
  steps.push({ stage: 'transport', what: 'mTLS', why: 'the endpoint says tlsMode=istio; the peer proved the expected identity' });
  steps.push({ stage: 'response', what: flags.includes('UT') ? '504 upstream request timeout' : `${plan.status}`, ...(flags.includes('UT') ? { why: 'no response within 3 s', origin: { ...origin, line: 12 } } : {}) });
  return steps;
}
