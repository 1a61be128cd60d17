import { hostname } from 'node:os';
import type { StandInSettings } from '../contract/index.ts';
import { details } from './bookinfo/details.ts';
import { productpage } from './bookinfo/productpage.ts';
import { ratings } from './bookinfo/ratings.ts';
import { reviews } from './bookinfo/reviews.ts';
import { echoBasic } from './echo-basic.ts';
import { fortio } from './fortio.ts';
import { helloworld } from './helloworld.ts';
import { goHttpbin, httpbin } from './httpbin/httpbin.ts';
import { istioEcho } from './istio-echo.ts';
import type { Running, StandInContext } from './server.ts';
import { tcpEcho } from './tcp-echo.ts';

type Start = (context: StandInContext) => Promise<Running>;

/** Waits to be stopped, like `sleep infinity`; the container is there for its tools. */
const idle: Start = () => {
  const alive = setInterval(() => undefined, 2 ** 30);
  return Promise.resolve({ ports: new Map(), stop: () => { clearInterval(alive); return Promise.resolve(); } });
};

const servers: Readonly<Record<string, Start>> = {
  'curl': idle, 'httpbin': httpbin, 'go-httpbin': goHttpbin, 'tcp-echo-server': tcpEcho, 'fortio': fortio, 'echo-basic': echoBasic, 'istio-echo': istioEcho,
  // What they are made of is large: only they load it.
  'grpcbin': async (context) => (await import('./grpcbin.ts')).grpcbin(context), 'websocket-echo': async (context) => (await import('./websocket-echo.ts')).websocketEcho(context),
  'ext-authz': async (context) => (await import('./ext-authz.ts')).extAuthz(context),
};
const versioned: readonly (readonly [prefix: string, start: (context: StandInContext, version: string) => Promise<Running>])[] = [
  ['bookinfo-productpage-', (context) => productpage(context)], ['bookinfo-details-', details], ['bookinfo-reviews-', reviews], ['bookinfo-ratings-', ratings], ['helloworld-', helloworld],
];

/**
 * Starts the stand-in that the settings name, on the ports of its original. The container's environment is the user's own, as the original would see it.
 * Rejects for a name that the catalog does not have, and when a port is taken.
 */
export async function start(settings: StandInSettings, overrides: Partial<StandInContext> = {}): Promise<Running> {
  const context: StandInContext = {
    args: settings.args, env: process.env, hostname: hostname(), log: (line) => { process.stdout.write(`${new Date().toISOString()} ${line}\n`); }, listenPort: (port) => port, ...overrides,
  };
  const byVersion = versioned.find(([prefix]) => settings.name.startsWith(prefix));
  if (byVersion !== undefined) return byVersion[1](context, settings.name.slice(byVersion[0].length));
  const server = Object.hasOwn(servers, settings.name) ? servers[settings.name] : undefined;
  if (server === undefined) throw new Error(`There is no stand-in “${settings.name}”.`);
  return server(context);
}
