import { z } from 'zod';
import type { FromControlPlane, PodRegistration } from '../contract/index.ts';
import type { LineChannel } from '../rpc/lines.ts';
import { readJsonRequest } from './ads/json-wire.ts';
import { CsrRefused, type CertificateAuthority } from './ca.ts';
import type { Keepers } from './keepers.ts';
import type { Log } from './log.ts';
import { podKey, type Mesh } from './mesh.ts';
import type { Proxies } from './proxies.ts';
import type { PilotMetrics } from './telemetry/pilot.ts';
import type { RateLimitService } from './rate-limits.ts';
import type { TelemetryIntake } from './telemetry/intake.ts';
import type { Upstreams } from './telemetry/upstreams.ts';

const short = z.string().max(1024);

/** What a proxy may say after `hello`. */
const message = z.union([
  z.object({ request: z.object({ typeUrl: short, versionInfo: short, responseNonce: short, errorDetail: z.object({ code: z.number(), message: z.string() }).exactOptional() }) }),
  z.object({ csr: z.object({ id: z.number(), pem: z.string() }) }),
  z.object({ readiness: z.object({ ready: z.boolean(), message: short.exactOptional() }) }),
  z.object({ telemetry: z.object({ records: z.unknown(), metrics: z.unknown() }) }),
  z.object({ upstreams: z.array(z.unknown()) }),
  z.object({ probe: z.object({ id: z.number(), container: short, kind: z.enum(['readiness', 'liveness', 'startup']) }) }),
  z.object({ restart: z.object({ container: short, why: short, grace: z.number().min(0).exactOptional() }) }),
  z.object({ rateLimit: z.object({ id: z.number(), domain: short, descriptors: z.array(z.array(z.tuple([short, short])).max(32)).max(64) }) }),
]);

/** Certificate requests of one proxy that may wait at the same time. */
const maxRequests = 8;

/** How long a proxy may be away before its pod counts as not ready, milliseconds. */
export const absence = 300;

/** What serving a proxy needs. */
export interface ProxyServices {
  readonly mesh: Mesh;
  readonly proxies: Proxies;
  readonly authority: CertificateAuthority;
  readonly telemetry: TelemetryIntake;
  readonly upstreams: Upstreams;
  readonly rateLimits: RateLimitService;
  readonly keepers: Keepers;
  readonly metrics: PilotMetrics;
  readonly log: Log;
  /** True once the control plane itself is stopping: then a lost connection says nothing about the pod. */
  stopping(): boolean;
}

/** Serves one authenticated proxy for as long as its channel lives. Returns what takes its lines. */
export function serveProxy(pod: PodRegistration, channel: LineChannel, services: ProxyServices): (line: string) => void {
  const { mesh, proxies, authority, telemetry, upstreams, log } = services;
  const proxy = podKey(pod);
  const identity = `spiffe://${mesh.config.trustDomain}/ns/${pod.namespace}/sa/${pod.serviceAccount}`;
  const say = (reply: FromControlPlane): void => channel.send(JSON.stringify(reply));
  const attached = proxies.attach(pod, { send: (response) => channel.sendPieces([Buffer.from('{"response":'), ...response, Buffer.from('}')]), trust: (roots, renew) => say({ roots, renew }), say, close: () => channel.close() });
  let requests = 0;

  async function sign({ id, pem }: { readonly id: number; readonly pem: string }): Promise<void> {
    try {
      const issued = await authority.sign(pem, identity);
      attached.issued(issued);
      services.metrics.issued();
      say({ certificate: { id, chain: issued.chain, roots: authority.roots } });
    } catch (error) {
      if (!(error instanceof CsrRefused)) throw error;
      say({ error: { code: 'csr-refused', message: error.message } });
    } finally {
      requests--;
    }
  }

  channel.onClose(() => {
    attached.detach();
    if (services.stopping()) return;
    setTimeout(() => {
      // It may have come back, or the pod may be another one by now.
      if (services.stopping() || proxies.connected(proxy) || mesh.pod(proxy)?.tokenHash !== pod.tokenHash) return;
      upstreams.forget(proxy);
      mesh.setReadiness(proxy, { ready: false, message: 'The sidecar is not connected.' });
    }, absence).unref();
  });

  return (line) => {
    const parsed = readMessage(line);
    if (parsed === undefined) {
      log(`proxy ${proxy} sent a line that is no message of the protocol; closing`);
      channel.close();
    } else if ('request' in parsed) {
      const request = readJsonRequest(parsed.request);
      if (request !== undefined) attached.session.request(request);
    }
    else if ('readiness' in parsed) mesh.setReadiness(proxy, parsed.readiness);
    else if ('telemetry' in parsed) telemetry.take(proxy, parsed.telemetry);
    else if ('rateLimit' in parsed) say({ rateLimit: { id: parsed.rateLimit.id, answer: services.rateLimits.shouldLimit(parsed.rateLimit) } });
    else if ('probe' in parsed) services.keepers.ask('probe', { ...parsed.probe, proxy });
    else if ('restart' in parsed) services.keepers.ask('restart', { ...parsed.restart, proxy });
    else if ('upstreams' in parsed) upstreams.set(proxy, parsed.upstreams);
    else if (++requests > maxRequests) channel.close();
    else {
      sign(parsed.csr).catch((error: unknown) => {
        log(`certificate for ${proxy} failed: ${String(error)}`);
        channel.close();
      });
    }
  };
}

function readMessage(line: string): z.infer<typeof message> | undefined {
  try {
    return message.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
