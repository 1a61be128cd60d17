import type { Call } from '../../../src/contract/index.ts';

/** A call as it is filled in. */
export interface CallForm {
  readonly from: string;
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
}

/** What is still wrong with the form; `undefined` when it can be asked. */
export function callProblem({ from, url, headers }: CallForm): string | undefined {
  if (url.trim() === '') return 'A URL is missing.';
  if (from !== 'ingress' && url.startsWith('/')) return 'From a pod, say the host too: http://reviews:9080/';
  if (!url.startsWith('/') && !/^[a-z]+:\/\/[^/\s]+/i.test(url)) return 'Write a path, or a full URL with http:// or https://.';
  const bad = headers.find(([name, value]) => name.trim() === '' ? value !== '' : !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name.trim()));
  return bad === undefined ? undefined : `“${bad[0]}” is not a header’s name.`;
}

/** The call that a valid form means. A path is one on the ingress. */
export function callFor(form: CallForm, ingressUrl: string): Call {
  const url = form.url.trim();
  return {
    from: form.from, method: form.method,
    url: url.startsWith('/') ? `${ingressUrl.replace(/\/$/, '') || 'http://ingress'}${url}` : url,
    headers: form.headers.filter(([name]) => name.trim() !== '').map(([name, value]) => [name.trim().toLowerCase(), value.trim()] as const),
  };
}
