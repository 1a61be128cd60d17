/** Where the window's page lives. The one origin that may load, navigate, or speak to core. */
export const scheme = 'app';
export const origin = `${scheme}://weft`;
export const page = `${origin}/`;

/** True for a URL of our own page and its files. */
export function isOwn(url: string): boolean {
  const parsed = parse(url);
  return parsed?.protocol === `${scheme}:` && parsed.host === 'weft' && parsed.username === '' && parsed.password === '';
}

/** Sites whose pages the window may hand to the person's browser: the documentation that explanations link to. */
const documentation: ReadonlySet<string> = new Set([
  'istio.io', 'preliminary.istio.io', 'www.envoyproxy.io', 'kubernetes.io', 'gateway-api.sigs.k8s.io', 'docs.docker.com', 'spiffe.io', 'www.rfc-editor.org',
]);

/** True for a link to a port of this machine, where labs have their ingress. */
export function isIngress(url: string): boolean {
  const parsed = parse(url);
  return (parsed?.protocol === 'http:' || parsed?.protocol === 'https:') && parsed.hostname === '127.0.0.1' && parsed.port !== '' && parsed.username === '' && parsed.password === '';
}

/** True for an https link to documentation. */
export function isDocumentation(url: string): boolean {
  const parsed = parse(url);
  return parsed?.protocol === 'https:' && documentation.has(parsed.hostname) && parsed.port === '' && parsed.username === '' && parsed.password === '';
}

function parse(url: string): URL | undefined {
  try {
    return new URL(url);
  } catch {
    return undefined;
  }
}
