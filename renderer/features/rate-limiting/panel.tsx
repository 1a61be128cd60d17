import { object, objects } from '../../lab/rules.ts';
import type { FeaturePanel } from '../panel.ts';

/** Rate limits that EnvoyFilters put in. */
export const panel: FeaturePanel = {
  feature: 'rate-limiting', title: 'Rate limits',
  read: rule => rule.kind !== 'EnvoyFilter' ? [] : objects(rule.spec['configPatches']).flatMap((patch, index) => {
    const value = object(object(patch['patch'])?.['value']);
    const name = value?.['name'];
    const path = ['configPatches', index, 'patch', 'value'];
    if (name === 'envoy.filters.http.ratelimit') return [{ text: `asks the rate limit service, domain ${String(object(value?.['typed_config'])?.['domain'] ?? '')}`, path }];
    if (name !== 'envoy.filters.http.local_ratelimit') return [];
    const config = object(value?.['typed_config']);
    const bucket = object((object(config?.['value']) ?? config)?.['token_bucket']);
    return [{ text: bucket === undefined ? 'local limits by route' : `${String(bucket['max_tokens'])} requests, ${String(bucket['tokens_per_fill'] ?? 1)} more every ${String(bucket['fill_interval'])}`, path }];
  }),
};
