import type { RequestRecord } from '../../contract/index.ts';
import { parseLogTemplate, type LogTemplate } from '../../util/access-log-format.ts';
import type { AccessFacts } from '../runtime.ts';
import { operatorValue } from './access-log-values.ts';

/** Where the value of a span's tag comes from. */
export type TagSource =
  | { readonly tag: string; readonly literal: string }
  | { readonly tag: string; readonly header: string; readonly otherwise: string }
  | { readonly tag: string; readonly environment: string; readonly otherwise: string }
  | { readonly tag: string; readonly format: LogTemplate };

/** Envoy's CustomTag, with the `value` that its current version has. */
export interface CustomTagConfig {
  readonly tag?: string;
  readonly literal?: { readonly value?: string };
  readonly environment?: { readonly name?: string; readonly defaultValue?: string };
  readonly requestHeader?: { readonly name?: string; readonly defaultValue?: string };
  readonly value?: string;
}

/** Reads the tags of a connection manager; one of a kind that we do not know is left out. */
export function tagSources(tags: readonly CustomTagConfig[]): readonly TagSource[] {
  return tags.flatMap(({ tag = '', literal, environment, requestHeader, value }): readonly TagSource[] => {
    if (literal !== undefined) return [{ tag, literal: literal.value ?? '' }];
    if (requestHeader !== undefined) return [{ tag, header: (requestHeader.name ?? '').toLowerCase(), otherwise: requestHeader.defaultValue ?? '' }];
    if (environment !== undefined) return [{ tag, environment: environment.name ?? '', otherwise: environment.defaultValue ?? '' }];
    return value === undefined ? [] : [{ tag, format: parseLogTemplate(value).template }];
  });
}

/** The tags of one request; those without a value are missing. `header` reads the request, `environment` is the proxy's. */
export function spanTags(sources: readonly TagSource[], record: RequestRecord, facts: AccessFacts, from: { header(name: string): string | undefined; readonly environment: Readonly<Record<string, string>> }): Readonly<Record<string, string>> {
  const valueOf = (source: TagSource): string => {
    if ('literal' in source) return source.literal;
    if ('header' in source) return from.header(source.header) ?? source.otherwise;
    if ('environment' in source) return (Object.hasOwn(from.environment, source.environment) ? from.environment[source.environment] : undefined) ?? source.otherwise;
    return source.format.map((part) => (typeof part === 'string' ? part : String(operatorValue(part, record, facts) ?? '-').slice(0, part.length))).join('');
  };
  return Object.fromEntries(sources.map((source) => [source.tag, valueOf(source)] as const).filter(([, value]) => value !== ''));
}
