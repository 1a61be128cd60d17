import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bookinfo, hasPeer, noEngine, rule, shown, signIn, startLab, tally, until, type TestLab } from './support/index.ts';

const why = noEngine ?? (hasPeer ? undefined : 'Istio’s sample files are not here');

describe.skipIf(why !== undefined)(`Istio’s task pages on Bookinfo${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let lab: TestLab;
  let ingress: string;

  beforeAll(async () => {
    lab = await startLab('test-tasks', [...bookinfo(), ...rule('destination-rule-all')]);
    ingress = (await lab.status()).ingressUrl;
    await lab.synced();
    console.log(`up: ${lab.steps.map((step) => `${step.id} ${Math.round(step.took ?? 0)} ms`).join(', ')}`);
  });
  afterAll(async () => { await lab?.down(); });
  afterEach(async () => {
    const held = (await lab.core.files({ lab: lab.name })).filter((file) => /virtual-service|own-/.test(file.path));
    if (held.length > 0) await lab.delete(held);
  });

  it('starts with all three versions of reviews taking turns', async () => {
    const counts = await tally(ingress, 30);
    expect(Object.keys(counts).sort()).toEqual(['black stars', 'no stars', 'red stars']);
  });

  it('request routing: everybody sees v1; then jason alone sees v2', async () => {
    await lab.apply(rule('virtual-service-all-v1'));
    expect(await tally(ingress, 20)).toEqual({ 'no stars': 20 });
    await lab.apply(rule('virtual-service-reviews-test-v2'));
    const jason = await signIn(ingress, 'jason');
    expect(await tally(ingress, 10, jason)).toEqual({ 'black stars': 10 });
    expect(await tally(ingress, 10, await signIn(ingress, 'anyone'))).toEqual({ 'no stars': 10 });
    expect(await tally(ingress, 10)).toEqual({ 'no stars': 10 });
  });

  it('fault injection: a delay of 7 s at ratings shows the bug in the application’s own timeouts, for jason alone', async () => {
    await lab.apply([...rule('virtual-service-all-v1')]);
    await lab.apply(rule('virtual-service-reviews-test-v2'));
    await lab.apply(rule('virtual-service-ratings-test-delay'));
    const jason = await signIn(ingress, 'jason');
    const slow = await lab.get('/productpage', jason);
    expect(shown(slow)).toBe('reviews unavailable');
    expect(slow.milliseconds).toBeGreaterThan(5_500);
    expect(slow.milliseconds).toBeLessThan(9_000);
    expect(shown(await lab.get('/productpage'))).toBe('no stars');
    await until('a record of the delay', async () => (await lab.records({ service: 'ratings' })).some((record) => record.flags.includes('DI')));
  });

  it('fault injection: an abort at ratings shows at once, for jason alone', async () => {
    await lab.apply([...rule('virtual-service-all-v1')]);
    await lab.apply(rule('virtual-service-reviews-test-v2'));
    await lab.apply(rule('virtual-service-ratings-test-abort'));
    const answer = await lab.get('/productpage', await signIn(ingress, 'jason'));
    expect(shown(answer)).toBe('ratings unavailable');
    expect(shown(await lab.get('/productpage'))).toBe('no stars');
    await until('a record of the abort', async () => (await lab.records({ service: 'ratings' })).some((record) => record.flags.includes('FI') && record.status === 500 && record.decision.some((step) => step.origin?.file.includes('ratings-test-abort'))));
  });

  it('traffic shifting: half of the pages come from v3, then all', async () => {
    await lab.apply(rule('virtual-service-all-v1'));
    expect(await tally(ingress, 10)).toEqual({ 'no stars': 10 });
    await lab.apply(rule('virtual-service-reviews-50-v3'));
    const half = await tally(ingress, 200);
    expect(Object.keys(half).sort()).toEqual(['no stars', 'red stars']);
    expect(half['red stars'] ?? 0).toBeGreaterThan(60);
    expect(half['red stars'] ?? 0).toBeLessThan(140);
    await lab.apply(rule('virtual-service-reviews-v3'));
    expect(await tally(ingress, 20)).toEqual({ 'red stars': 20 });
  });

  it('request timeouts: half a second at reviews hides a delay of two seconds at ratings, with an error', async () => {
    await lab.apply(rule('virtual-service-all-v1'));
    const service = (name: string, subset: string, extra: string): string => `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata:\n  name: ${name}\nspec:\n  hosts:\n  - ${name}\n  http:\n  - route:\n    - destination:\n        host: ${name}\n        subset: ${subset}\n${extra}`;
    const delayed = service('ratings', 'v1', '    fault:\n      delay:\n        percentage:\n          value: 100\n        fixedDelay: 2s\n');
    await lab.apply([{ path: 'own-timeouts.yaml', text: `${service('reviews', 'v2', '')}---\n${delayed}` }]);
    const patient = await lab.get('/productpage');
    expect(shown(patient)).toBe('black stars');
    expect(patient.milliseconds).toBeGreaterThan(2_000);
    await lab.apply([{ path: 'own-timeouts.yaml', text: `${service('reviews', 'v2', '    timeout: 0.5s\n')}---\n${delayed}` }]);
    const hasty = await lab.get('/productpage');
    expect(shown(hasty)).toBe('reviews unavailable');
    // Twice half a second: the product page tries again by itself.
    expect(hasty.milliseconds).toBeGreaterThan(900);
    expect(hasty.milliseconds).toBeLessThan(1_900);
    await until('a record of the timeout', async () => (await lab.records({ service: 'reviews' })).some((record) => record.flags.includes('UT') && record.status === 504));
  });

  it('global rate limit: one product page a minute through the gateway, counted by the mesh’s rate limit service', async () => {
    const filter = (name: string, patch: string): string => `apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata:\n  name: ${name}\n  namespace: istio-system\nspec:\n  workloadSelector:\n    labels:\n      istio: ingressgateway\n  configPatches:\n${patch}`;
    const limits = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ratelimit-config\ndata:\n  config.yaml: |\n    domain: ratelimit\n    descriptors:\n      - key: PATH\n        value: "/productpage"\n        rate_limit:\n          unit: minute\n          requests_per_unit: 1\n      - key: PATH\n        rate_limit:\n          unit: minute\n          requests_per_unit: 100\n';
    const service = `  - applyTo: HTTP_FILTER
    match:
      context: GATEWAY
      listener:
        filterChain:
          filter:
            name: "envoy.filters.network.http_connection_manager"
            subFilter:
              name: "envoy.filters.http.router"
    patch:
      operation: INSERT_BEFORE
      value:
        name: envoy.filters.http.ratelimit
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit
          domain: ratelimit
          failure_mode_deny: true
          timeout: 10s
          rate_limit_service:
            grpc_service:
              envoy_grpc:
                cluster_name: outbound|8081||ratelimit.default.svc.cluster.local
                authority: ratelimit.default.svc.cluster.local
            transport_api_version: V3
`;
    const actions = `  - applyTo: VIRTUAL_HOST
    match:
      context: GATEWAY
      routeConfiguration:
        vhost:
          name: ""
          route:
            action: ANY
    patch:
      operation: MERGE
      value:
        rate_limits:
          - actions:
            - request_headers:
                header_name: ":path"
                descriptor_key: "PATH"
`;
    await lab.apply([{ path: 'own-limits.yaml', text: limits }, { path: 'own-filter.yaml', text: `${filter('filter-ratelimit', service)}---\n${filter('filter-ratelimit-svc', actions)}` }]);
    const codes: number[] = [];
    // Windows begin with the minute: four requests are in two of them at most.
    for (let sent = 0; sent < 4; sent += 1) codes.push((await lab.get('/productpage')).status);
    expect(codes[0]).toBe(200);
    expect(codes.filter((code) => code === 429).length).toBeGreaterThanOrEqual(2);
    expect(codes.every((code) => code === 200 || code === 429)).toBe(true);
    const limited = await lab.get('/productpage');
    if (limited.status === 429) expect(limited.headers['x-envoy-ratelimited']).toBe('true');
    expect((await lab.get('/login')).status).not.toBe(429);
    await until('a record of the limit', async () => (await lab.records({ text: '/productpage' })).some((record) => record.status === 429 && record.flags.includes('RL')));
    await lab.delete((await lab.core.files({ lab: lab.name })).filter(({ path }) => path.startsWith('own-')));
    for (let sent = 0; sent < 3; sent += 1) expect((await lab.get('/productpage')).status).toBe(200);
  });
});
