import { Command, Option } from 'commander';
import type { CliContext } from './context.ts';
import { down, preflight, samples, up } from './commands/lifecycle.ts';
import { keep } from './commands/keep.ts';
import { analyze, apply, explain, get, remove } from './commands/manifests.ts';
import { load, proxyConfig, status, traffic } from './commands/observe.ts';
import { exportLab } from './commands/export.ts';
import { exec, logs } from './commands/streams.ts';
import { trace } from './commands/trace.ts';

/** How a command ends: nothing or true is good, false has found something bad, a number is an exit code of its own. */
export type Outcome = void | boolean | number;

/** Runs a command's action with a context that is made only when one is run. */
export type Act = (action: (context: CliContext) => Promise<Outcome>) => Promise<void>;

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];
const seconds = (value: string): number => {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(value) ?? [];
  if (amount === undefined) throw new TypeError(`${value} is not a duration, such as 30s or 5m`);
  return Number(amount) * ({ ms: 0.001, s: 1, m: 60, h: 3600 }[unit ?? 's'] ?? 1);
};

/** The `weft` command. `serve` is given by the composition, since it outlives an action. */
export function program(version: string, act: Act, serve: (options: { readonly port?: string; readonly host?: string }) => Promise<void>): Command {
  const weft = new Command('weft').description('The service-mesh lab: Kubernetes and Istio manifests on the local Docker engine.').version(version)
    .option('--json', 'print results as JSON').showHelpAfterError('(weft --help shows every command)').enablePositionalOptions();

  weft.command('up').description('start a lab and wait until all pods are ready')
    .option('-f, --file <path>', 'a manifest, a folder of them, or - (repeatable)', collect)
    .option('--sample <name>', 'a lab that ships with Weft')
    .option('--name <lab>', 'the lab’s name')
    .option('-n, --namespace <namespace>', 'for resources that name none')
    .addOption(new Option('--images <mode>', 'real images or stand-ins').choices(['auto', 'pull', 'stand-in']))
    .option('--consent <item>', 'allow what is refused by default, item by item', collect)
    .option('--yes', 'ask nothing')
    .action((options: Parameters<typeof up>[1]) => act((context) => up(context, options)));
  weft.command('down').description('remove a lab: containers, networks, volumes').option('--name <lab>').option('--all', 'every lab')
    .action((options: Parameters<typeof down>[1]) => act((context) => down(context, options)));
  weft.command('keep').description('run the probes of a lab and restart what fails, until the lab is gone').requiredOption('--name <lab>')
    .action(({ name }: { name: string }) => act((context) => keep(context, name)));
  weft.command('samples').description('list the labs that ship with Weft').action(() => act(samples));
  weft.command('preflight').description('check the engine, memory and disk').action(() => act(preflight));

  weft.command('apply').description('add or replace manifests').requiredOption('-f, --file <path>', 'a manifest or a folder (repeatable)', collect).option('-n, --namespace <namespace>', 'for resources that name none').option('--name <lab>').option('--dry-run', 'only say what would change')
    .action((options: Parameters<typeof apply>[1]) => act((context) => apply(context, options)));
  weft.command('delete').description('remove the resources of manifests').requiredOption('-f, --file <path>', 'a manifest or a folder (repeatable)', collect).option('-n, --namespace <namespace>', 'for resources that name none').option('--name <lab>')
    .action((options: Parameters<typeof remove>[1]) => act((context) => remove(context, options)));
  weft.command('get <kind> [resource]').description('show resources').option('-n, --namespace <namespace>').option('-o, --output <format>', 'yaml or json').option('--name <lab>')
    .action((kind: string, resource: string | undefined, { name, ...options }: { name?: string; namespace?: string; output?: string }) => act((context) => get(context, kind, resource, { ...options, ...(name === undefined ? {} : { lab: name }) })));
  weft.command('analyze [paths...]').description('find problems in manifests, with or without a lab').option('--name <lab>')
    .action((paths: string[], { name }: { name?: string }) => act((context) => analyze(context, paths, name)));
  weft.command('explain <method> <url>').description('say what happens to a request, and why')
    .option('--from <pod>', 'a pod, a workload, or ingress', 'ingress').option('-H, --header <header>', 'a header (repeatable)', collect, [])
    .option('-f, --file <path>', 'explain on manifests, without a lab', collect, []).option('--name <lab>')
    .action((method: string, url: string, options: Parameters<typeof explain>[3]) => act((context) => explain(context, method, url, options)));

  weft.command('status').description('pods, proxies, config versions').option('--name <lab>').action(({ name }: { name?: string }) => act((context) => status(context, name)));
  weft.command('proxy-config <section> <pod>').description('listeners, routes, clusters, endpoints or secrets of a proxy, as Envoy’s JSON').option('-n, --namespace <namespace>').option('--name <lab>')
    .action((section: string, pod: string, options: { name?: string; namespace?: string }) => act((context) => proxyConfig(context, section, pod, options)));
  weft.command('traffic').description('requests as the proxies saw them').option('--follow', 'keep printing').option('--limit <n>', 'how many of the past', Number).option('--name <lab>')
    .action((options: Parameters<typeof traffic>[1]) => act((context) => traffic(context, options)));
  weft.command('trace [id]').description('the spans of a trace: by its id or a request’s, or of the newest').option('--last', 'the newest, as without an id').option('--name <lab>')
    .action((id: string | undefined, options: Parameters<typeof trace>[2]) => act((context) => trace(context, id, options)));
  weft.command('export').description('send a lab’s spans, log lines and metrics to a collector, by OTLP over HTTP').requiredOption('--otlp <url>', 'the collector, such as http://localhost:4318')
    .option('-H, --header <header>', 'for each request to the collector (repeatable)', collect, []).option('--for <duration>', 'how long; else until Ctrl-C', seconds).option('--name <lab>')
    .action((options: Parameters<typeof exportLab>[1]) => act((context) => exportLab(context, options)));
  weft.command('load [url]').description('send traffic through the ingress').option('--rps <n>', 'requests a second', Number, 10).option('--for <duration>', 'how long', seconds, 30).option('--name <lab>')
    .action((url: string | undefined, { for: duration, ...options }: { name?: string; rps: number; for: number }) => act((context) => load(context, url, { ...options, seconds: duration })));

  weft.command('logs <pod>').description('a container’s log').option('-c, --container <name>').option('-n, --namespace <namespace>').option('--tail <lines>', 'from the end', Number).option('-f, --follow').option('--name <lab>')
    .action((pod: string, options: Parameters<typeof logs>[2]) => act((context) => logs(context, pod, options)));
  weft.command('exec <pod> <command...>').description('run a command in a container').passThroughOptions().option('-c, --container <name>').option('-n, --namespace <namespace>').option('-t, --tty', 'a terminal').option('--name <lab>')
    .action((pod: string, command: string[], options: Parameters<typeof exec>[3]) => act((context) => exec(context, pod, command[0] === '--' ? command.slice(1) : command, options)));
  weft.command('serve').description('serve the window to a browser on 127.0.0.1').option('--port <port>').action((options: { port?: string }) => serve(options));
  return weft;
}
