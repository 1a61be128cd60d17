import { describe, expect, it } from 'vitest';
import { evaluate, valuesAt, type Facts } from '../../src/core/tutorials/evaluate.ts';
import { check } from '../../src/core/tutorials/checks.ts';
import { parseTutorial } from '../../src/core/tutorials/parse.ts';

const spec = { http: [{ route: [{ weight: 90 }, { weight: 10 }] }, { timeout: '1s' }] };

describe('paths into a resource', () => {
  it.each([
    ['http[*].route[*].weight', [90, 10]],
    ['http[0].route[1].weight', [10]],
    ['http[*].timeout', ['1s']],
    ['http[*].fault', []],
    ['http.route', []],
    ['http[9].route[*]', []],
    ['constructor.name', ['Object']],
  ])('%s', (path, values) => {
    if (path.startsWith('constructor')) expect(valuesAt(Object.create(null), path)).toEqual([]);
    else expect(valuesAt(spec, path)).toEqual(values);
  });
});

describe('checks', () => {
  const facts = (more: Partial<Facts>): Facts => ({ resources: [], records: [], status: undefined, now: 100_000, ...more });
  const holds = (one: unknown, more: Partial<Facts>): boolean => evaluate(check.parse(one), facts(more)).holds;
  const service = { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 'r' }, spec: { hosts: ['reviews.default.svc.cluster.local'], ...spec } };

  it.each([
    [{ kind: 'VirtualService', host: 'reviews' }, true],
    [{ kind: 'VirtualService', host: 'ratings' }, false],
    [{ kind: 'VirtualService', host: 'review' }, false],
    [{ kind: 'VirtualService', namespace: 'default', has: { 'spec.http[*].route[*].weight': { between: [5, 15] } } }, true],
    [{ kind: 'VirtualService', namespace: 'other' }, false],
    [{ kind: 'VirtualService', has: { 'spec.http[*].timeout': '1s' } }, true],
    [{ kind: 'VirtualService', has: { 'spec.http[*].timeout': { oneOf: ['2s', '3s'] } } }, false],
    [{ kind: 'VirtualService', has: { 'spec.http[*].fault': { exists: false } } }, true],
    [{ kind: 'Gateway' }, false],
  ])('a resource %j: %s', (resource, expected) => {
    expect(holds({ resource }, { resources: [service] })).toBe(expected);
    expect(holds({ noResource: resource }, { resources: [service] })).toBe(!expected);
  });

  it('says what it waits for', () => {
    expect(evaluate(check.parse({ traffic: { service: 'reviews', status: 504, flags: ['UT'], atLeast: 3 } }), facts({}))).toEqual({ holds: false, missing: 'Waiting for requests to reviews with status 504 with flag UT (0 of 3)' });
    expect(evaluate(check.parse({ resource: { kind: 'PeerAuthentication', namespace: 'istio-system', has: { 'spec.mtls.mode': 'STRICT' } } }), facts({}))).toEqual({ holds: false, missing: 'Waiting for a PeerAuthentication in istio-system with mode STRICT' });
  });

  it('is silent about nothing: no traffic is no proof that there is none', () => {
    expect(holds({ noTraffic: { service: 'reviews', status: '5xx', among: 5 } }, {})).toBe(false);
  });
});

describe('a tutorial’s file', () => {
  const head = '---\ntitle: T\nsummary: S\nminutes: 1\nsample: bookinfo\norder: 1\n---\n';
  const good = '## one: First\n\nText.\n\n```check\n- pod: { app: a }\n```\n````hint\n```yaml\na: 1\n```\n````\n\nMore.\n';

  it('gives text, hint, checks and actions', () => {
    const [step] = parseTutorial('t', head + good).script.steps;
    expect(step).toEqual({ id: 'one', title: 'First', text: 'Text.\n\n\nMore.', hint: '```yaml\na: 1\n```\n', doable: false, checks: [{ pod: { app: 'a' } }], actions: [] });
  });

  it.each([
    ['no front matter', good],
    ['no steps', head],
    ['a step without a check', `${head}## one: First\nText.`],
    ['an unknown check', head + good.replace('pod: { app: a }', 'next: true')],
    ['an unknown field of a check', head + good.replace('app: a', 'app: a, wait: 5')],
    ['two steps of one id', head + good + good],
    ['a heading without id', `${head}## First\n`],
    ['an action that is none', `${head + good}\`\`\`do\n- run: rm\n\`\`\`\n`],
  ])('is refused with %s', (_, text) => {
    expect(() => parseTutorial('t', text)).toThrow();
  });
});
