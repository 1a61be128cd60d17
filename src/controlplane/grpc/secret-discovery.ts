import { pushOrder, typeSet, wireResource, type ConfigSet, type TypeSet } from '../ads/resources.ts';
import { createAdsSession } from '../ads/session.ts';
import { rootSecret, secretFor } from '../secrets.ts';
import type { Secret } from '../../xds/index.ts';
import type { StreamWire } from './ads-wire.ts';
import { identityOf, type Caller, type Refusal } from './identity.ts';
import type { GrpcServices } from './serve.ts';
import type { PacedStream, StreamServer } from './stream.ts';

/** Names that never lead out of the caller's namespace. */
const credentials = /^kubernetes:\/\/[^/]+$/;

/** How often a stream looks whether its certificate has lived half of its life. */
const renewalCheck = 60_000;

/**
 * SDS for one client that has proved its identity over TLS: `ROOTCA`; `default`, a certificate of that identity with a key made for this stream, renewed at half of its life;
 * and, for a gateway, credentials (`kubernetes://NAME`) of its own namespace.
 */
export function serveSecrets(wire: StreamWire, from: Caller, stream: PacedStream, refuse: (refusal: Refusal) => void, services: GrpcServices): StreamServer {
  const { mesh, authority, proxies, log, now } = services;
  const { identity } = from;
  const session = createAdsSession({ delta: wire.delta, send: (push) => stream.send(wire.write(push)), pushed: () => services.metrics.pushed('sds'), rejected: () => services.metrics.rejected('sds'), changed: () => undefined });
  let names: ReadonlySet<string> = new Set();
  let own: { readonly secret: Secret; readonly renewAt: number } | undefined;
  let making = false;
  let ended = false;

  function update(): void {
    if (identity === undefined || ended) return;
    const namespace = /\/ns\/([^/]+)\//.exec(identity)?.[1] ?? '';
    const secrets = [...names].flatMap((name): readonly Secret[] => {
      if (name === 'ROOTCA') return [rootSecret(authority.roots)];
      if (name === 'default') return own === undefined ? [] : [own.secret];
      const gateway = credentials.test(name) ? mesh.pods.find((pod) => pod.kind === 'gateway' && pod.namespace === namespace && identityOf(mesh, pod) === identity) : undefined;
      const found = gateway === undefined ? undefined : secretFor(name, gateway, mesh.resources);
      return found === undefined || 'missing' in found ? [] : [found];
    });
    session.update(onlySecrets(typeSet(secrets.map((secret) => wireResource(secret.name ?? '', JSON.stringify(secret))))), mesh.version);
    if (names.has('default') && (own === undefined || now() >= own.renewAt)) make(identity);
  }

  function make(spiffe: string): void {
    if (making) return;
    making = true;
    const made = now();
    authority.workload(spiffe).then(({ chain, key, expires }) => {
      own = { secret: { name: 'default', tlsCertificate: { certificateChain: { inlineString: chain }, privateKey: { inlineString: key } } }, renewAt: made + (expires - made) / 2 };
      services.metrics.issued();
    }).catch((error: unknown) => log(`no certificate for ${spiffe}: ${String(error)}`)).finally(() => {
      making = false;
      if (own !== undefined) update();
    });
  }

  const unlisten = proxies.onPush(update);
  const renewal = setInterval(update, renewalCheck);
  return {
    take: (bytes) => {
      if (!from.secure || identity === undefined) {
        refuse({ refused: 'unauthenticated', message: 'Secrets are served on the TLS port, to callers with a certificate of the mesh or a pod’s token.' });
        return;
      }
      stream.known();
      const { request } = wire.read(bytes);
      if (request?.type !== 'secret') return;
      names = request.interest === 'all' ? new Set(['ROOTCA']) : request.interest;
      update();
      session.request(request);
    },
    closed: () => {
      ended = true;
      clearInterval(renewal);
      unlisten();
    },
  };
}

function onlySecrets(secrets: TypeSet): ConfigSet {
  const nothing = typeSet([]);
  return { ...Object.fromEntries(pushOrder.map((type) => [type, nothing])), secret: secrets } as ConfigSet;
}
