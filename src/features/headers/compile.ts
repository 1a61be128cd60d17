import type { HeaderValueOption, Route } from '../../xds/index.ts';
import type { HeaderOperations, Headers } from './manifest.ts';

/** Header changes in Envoy's fields, and the authority when the rule sets `host`. */
export interface CompiledHeaders {
  readonly changes: Pick<Route, 'requestHeadersToAdd' | 'requestHeadersToRemove' | 'responseHeadersToAdd' | 'responseHeadersToRemove'>;
  readonly authority: string | undefined;
}

/** Compiles header operations. Setting `host` or `:authority` is a rewrite in Envoy, so it is handed back apart. */
export function compileHeaders(headers: Headers | undefined): CompiledHeaders {
  const request = additions(headers?.request);
  const response = additions(headers?.response);
  const requestRemove = headers?.request?.remove ?? [];
  const responseRemove = headers?.response?.remove ?? [];
  const own = request.filter(({ header }) => !isAuthority(header?.key ?? ''));
  return {
    changes: {
      ...(own.length === 0 ? {} : { requestHeadersToAdd: own }),
      ...(requestRemove.length === 0 ? {} : { requestHeadersToRemove: [...requestRemove] }),
      ...(response.length === 0 ? {} : { responseHeadersToAdd: response }),
      ...(responseRemove.length === 0 ? {} : { responseHeadersToRemove: [...responseRemove] }),
    },
    authority: request.find(({ header }) => isAuthority(header?.key ?? ''))?.header?.value,
  };
}

function isAuthority(name: string): boolean {
  return name.toLowerCase() === 'host' || name.toLowerCase() === ':authority';
}

function additions(operations: HeaderOperations | undefined): HeaderValueOption[] {
  return [
    ...options(operations?.set ?? {}, 'OVERWRITE_IF_EXISTS_OR_ADD'),
    ...options(operations?.add ?? {}, 'APPEND_IF_EXISTS_OR_ADD'),
  ];
}

function options(values: Readonly<Record<string, string>>, appendAction: NonNullable<HeaderValueOption['appendAction']>): HeaderValueOption[] {
  return Object.keys(values).sort().map((key) => ({ header: { key, value: values[key] ?? '' }, appendAction }));
}
