import type { Headers } from '../../features/headers/manifest.ts';
import type { CorsPolicy } from '../../features/cors/manifest.ts';
import { checkDuration, checkRegex } from './names.ts';
import { each, type Report } from './report.ts';

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const pseudo = new Set([':method', ':path', ':scheme', ':authority', ':status', ':protocol']);
const methods = new Set('GET HEAD POST PUT PATCH DELETE CONNECT OPTIONS TRACE *'.split(' '));

/** What is wrong with a header's name; `undefined` when it is one. */
export function headerNameFault(name: string): string | undefined {
  if (name === '') return 'has no name';
  return token.test(name) || pseudo.has(name) ? undefined : 'is not a header name';
}

/** What is wrong with a header's value: Envoy reads `%…%` as a variable, so a lone `%` must be doubled. */
export function headerValueFault(value: string): string | undefined {
  if (/[\0\r\n]/.test(value)) return 'has control characters';
  const rest = value.replace(/%%/g, '').replace(/%[A-Z0-9_]+(?:\((?:[^()]|\([^()]*\))*\))?(?::\d+)?%/g, '');
  return rest.includes('%') ? 'has a % that starts no variable' : undefined;
}

/** Istio's rules for header operations. */
export function checkHeaders(headers: Headers | undefined, report: Report): void {
  for (const direction of ['request', 'response'] as const) {
    const operations = headers?.[direction];
    if (operations === undefined) continue;
    const place = report.at(direction);
    for (const operation of ['set', 'add'] as const) {
      for (const [name, value] of Object.entries(operations[operation])) checkHeader({ name, value }, place.at(operation), direction);
    }
    each(operations.remove, place.at('remove'), (name, at) => {
      if (headerNameFault(name) !== undefined) at.error(`The header “${name}” ${headerNameFault(name)}.`);
      else if (name.startsWith(':')) at.error(`The pseudo-header ${name} cannot be removed.`);
      else if (name.toLowerCase() === 'host') at.error('Host cannot be removed: every request has one.');
    });
  }
}

const isAuthority = (name: string): boolean => [':authority', 'host'].includes(name.toLowerCase());

function checkHeader({ name, value }: { readonly name: string; readonly value: string }, report: Report, direction: 'request' | 'response'): void {
  const fault = headerNameFault(name);
  const place = report.at(name);
  if (fault !== undefined) place.error(`The header “${name}” ${fault}.`);
  else if (name.startsWith(':') && name !== ':authority') place.error(`The pseudo-header ${name} cannot be changed.`);
  else if (direction === 'response' && isAuthority(name)) place.error(`${name} belongs to requests; a response has none.`);
  const wrong = headerValueFault(value);
  if (wrong !== undefined) place.error(`The value of ${name || 'this header'} ${wrong}.`, 'Write %% for a percent sign.');
}

/** Reports an authority that is set more than once: by a rewrite, by `set` and by `add`. */
export function checkAuthority(rewritten: string, headers: Headers | undefined, report: Report): void {
  const { set = {}, add = {} } = headers?.request ?? {};
  const written = [...Object.keys(set), ...Object.keys(add)].filter(isAuthority);
  if (written.length + (rewritten === '' ? 0 : 1) > 1) report.error('The authority is set more than once.', 'Keep rewrite.authority, or one header.');
}

/** Istio's rules for CORS. */
export function checkCors(policy: CorsPolicy | undefined, report: Report): void {
  if (policy === undefined) return;
  each(policy.allowOrigins, report.at('allowOrigins'), (origin, place) => {
    if (origin.kind === 'any' || origin.value === '') place.error('This says no origin.', 'Say which, or use exact: "*".');
    else if (origin.kind === 'regex') checkRegex(origin.value, place.at('regex'));
  });
  each(policy.allowMethods, report.at('allowMethods'), (method, place) => {
    if (!methods.has(method)) place.error(`“${method}” is not an HTTP method.`);
  });
  for (const field of ['allowHeaders', 'exposeHeaders'] as const) {
    each(policy[field], report.at(field), (name, place) => {
      if (name !== '*' && headerNameFault(name) !== undefined) place.error(`The header “${name}” ${headerNameFault(name)}.`);
    });
  }
  checkDuration(policy.maxAge, report.at('maxAge'), { zero: true });
  if ((policy.maxAge ?? 0) % 1000 !== 0) report.at('maxAge').error('Access-Control-Max-Age counts whole seconds.', 'Write maxAge in whole seconds.');
}
