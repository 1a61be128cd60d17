import { parseDocument } from 'yaml';
import { RateLimitDomain } from '../features/rate-limiting/manifest.ts';
import { ofKind, type Resource } from '../manifest/index.ts';

export { findLimit, type FoundLimit } from '../features/rate-limiting/compile.ts';

/** The domains of the rate limit service, by name: ConfigMaps hold them in that service's own format; what else a ConfigMap holds is not ours. */
export function rateLimitDomains(resources: readonly Resource[]): ReadonlyMap<string, RateLimitDomain> {
  const texts = ofKind(resources, 'ConfigMap').flatMap(({ spec }) => Object.values(spec.data));
  return new Map(texts.filter((text) => /^\s*domain:/m.test(text) && /^\s*descriptors:/m.test(text)).flatMap((text) => {
    const document = parseDocument(text, { version: '1.1', logLevel: 'silent' });
    const parsed = RateLimitDomain.safeParse(document.errors.length > 0 ? undefined : document.toJS({ maxAliasCount: 100 }));
    return parsed.success ? [[parsed.data.domain, parsed.data] as const] : [];
  }));
}
