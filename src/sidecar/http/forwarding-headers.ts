import type { Headers } from '../http1/index.ts';
import type { HttpConnectionContext } from '../runtime.ts';
import type { ManagerPlan } from './manager-plan.ts';

const clientCert = 'x-forwarded-client-cert';

/** Makes the request's headers say what is true of its way here. Source: Envoy, "HTTP header manipulation"; Istio's settings per listener. */
export function forwardingHeaders(headers: Headers, context: HttpConnectionContext, plan: ManagerPlan): void {
  if (context.edge) removeUntrusted(headers);
  if (plan.useRemoteAddress) {
    const before = headers.joined('x-forwarded-for');
    headers.set('x-forwarded-for', before === undefined ? context.sourceIp : `${before},${context.sourceIp}`);
    headers.set('x-forwarded-proto', context.scheme);
  } else if (!headers.has('x-forwarded-proto')) headers.push('x-forwarded-proto', context.scheme);
  forwardClientCert(headers, context, plan);
}

/** Names that only the mesh may set. With underscores they would become the same names in a CGI-like server. Of certificates the manager's mode decides. */
function removeUntrusted(headers: Headers): void {
  headers.prune((name) => {
    const dashed = name.includes('_') ? name.replaceAll('_', '-') : name;
    if (dashed.startsWith('x-envoy-') || dashed.startsWith('x-weft-')) return true;
    return dashed !== name && (dashed === 'content-length' || dashed === 'transfer-encoding' || dashed === 'host' || dashed.startsWith('x-forwarded-'));
  });
}

/** Only a peer that showed a certificate may say whose it passes on. `By` is the URI of our own certificate, which one for the outside world has not. Source: Envoy, ForwardClientCertDetails. */
function forwardClientCert(headers: Headers, context: HttpConnectionContext, plan: ManagerPlan): void {
  const mode = plan.forwardClientCert;
  if (mode === 'ALWAYS_FORWARD_ONLY') return;
  const shown = context.clientCertificate;
  if (mode === 'SANITIZE' || shown === undefined) {
    if (headers.has(clientCert)) headers.delete(clientCert);
    return;
  }
  if (mode === 'FORWARD_ONLY') return;
  const by = context.sourcePrincipal === '' ? '' : `By=${context.runtime.self.principal};`;
  const element = by + shown.element(plan.certificateDetails);
  const before = mode === 'APPEND_FORWARD' ? headers.joined(clientCert) : undefined;
  headers.set(clientCert, before === undefined ? element : `${before},${element}`);
}

/**
 * The caller's address: the peer's, or as many entries from the right of `x-forwarded-for` as proxies in front are trusted. A sidecar believes its mTLS
 * peer, which has added the caller; at a plaintext one the header is the caller's own word. Source: Envoy, "x-forwarded-for"; Istio, numTrustedProxies.
 */
export function remoteAddress(headers: Headers, { edge, sourceIp }: HttpConnectionContext, { useRemoteAddress, trustedHops }: ManagerPlan): string {
  const hops = useRemoteAddress ? trustedHops : edge ? 0 : trustedHops + 1;
  if (hops === 0 || !headers.has('x-forwarded-for')) return sourceIp;
  const addresses = (headers.joined('x-forwarded-for') ?? '').split(',').map((one) => one.trim());
  return addresses.at(-hops) || sourceIp;
}
