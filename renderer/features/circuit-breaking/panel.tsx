import { object } from '../../lab/rules.ts';
import type { FeaturePanel } from '../panel.ts';
import { policiesOf } from '../policies.ts';

const limits: readonly (readonly [part: 'tcp' | 'http', field: string, words: string])[] = [
  ['tcp', 'maxConnections', 'connections'], ['http', 'http1MaxPendingRequests', 'requests waiting'], ['http', 'http2MaxRequests', 'requests at once'],
  ['http', 'maxRetries', 'retries at once'], ['http', 'maxRequestsPerConnection', 'requests a connection'],
];

/** What connections and requests are limited to. */
export const panel: FeaturePanel = {
  feature: 'circuit-breaking', title: 'Circuit breaking',
  read: rule => policiesOf(rule).flatMap(({ policy, path, prefix }) => {
    const pool = object(policy['connectionPool']);
    if (pool === undefined) return [];
    const said = limits.flatMap(([part, field, words]) => {
      const value = object(pool[part])?.[field];
      return typeof value === 'number' && value > 0 ? [`${value} ${words}`] : [];
    });
    return [{ text: `${prefix}${said.length === 0 ? 'no limits' : `at most ${said.join(', ')}`}`, path: [...path, 'connectionPool'] }];
  }),
};
