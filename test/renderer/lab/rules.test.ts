import { describe, expect, it } from 'vitest';
import { featurePanels } from '../../../renderer/features/index.ts';
import { parseRules, rulesFor } from '../../../renderer/lab/rules.ts';
import { filesOf } from '../../fakes/bookinfo.ts';

const rules = parseRules(filesOf({ faults: [], weights: [{ host: 'reviews', namespace: 'default', weights: { v1: 80, v3: 20 } }], mtls: { '': 'STRICT' } }));
const findings = (node: { kind: string; name: string; namespace: string }) => featurePanels.flatMap(panel => rulesFor(rules, node).flatMap(rule => panel.read(rule).map(({ text, path }) => `${panel.feature} ${rule.file}:${rule.lineOf(path)} ${text}`)));

describe('what the rules say', () => {
  it('is found with file and line', () => {
    expect(findings({ kind: 'service', name: 'reviews', namespace: 'default' })).toEqual(['load-balancing networking/destination-rule-reviews.yaml:8 RANDOM']);
    expect(findings({ kind: 'service', name: 'productpage', namespace: 'default' })).toEqual(['retry networking/bookinfo-gateway.yaml:27 2 attempts, 2s each']);
  });

  it('is the gateway’s where it is about the gateway', () => {
    expect(findings({ kind: 'gateway', name: 'istio-ingressgateway', namespace: 'istio-system' })[0]).toMatch(/^gateway networking\/bookinfo-gateway.yaml:9 HTTP 8080 for \*$/);
  });

  it('leaves out what cannot be read', () => {
    expect(parseRules([{ path: 'bad.yaml', text: 'apiVersion: networking.istio.io/v1\nkind: [' }])).toEqual([]);
  });
});
