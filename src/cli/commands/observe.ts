import { LabFailure, outcomeOf, type LabStatus, type ProxyConfigSection, type RequestRecord } from '../../contract/index.ts';
import { pickLab, type CliContext } from '../context.ts';
import { diagnosticLines, ingressLines, table } from '../print.ts';

/** `weft status`: pods, proxies, versions. */
export async function status(context: CliContext, name: string | undefined): Promise<void> {
  const { api, terminal } = context;
  const lab = await api.status({ lab: await pickLab(context, name) });
  terminal.out(terminal.json ? JSON.stringify(lab) : statusText(lab));
}

function statusText(lab: LabStatus): string {
  const pods = lab.pods.map((pod) => {
    const proxy = lab.proxies.find((candidate) => candidate.proxy === `${pod.namespace}/${pod.name}`);
    const sync = proxy === undefined ? '-' : proxy.rejected !== undefined ? `REJECTED ${proxy.rejected}` : !proxy.connected ? 'disconnected' : proxy.sent === proxy.acknowledged ? `synced ${proxy.acknowledged}` : `sent ${proxy.sent}, has ${proxy.acknowledged}`;
    const running = pod.containers.filter((container) => container.state === 'running').length;
    return [pod.namespace, pod.name, `${running}/${pod.containers.length}`, pod.ready ? 'Ready' : pod.message ?? pod.phase, String(pod.containers.reduce((sum, { restarts }) => sum + restarts, 0)), pod.ip, sync];
  });
  return [
    `${lab.name}: ${lab.phase}${lab.message === undefined ? '' : ` (${lab.message})`}, config ${lab.version}, images ${lab.images}`,
    ...ingressLines(lab).map((line) => `ingress ${line}`),
    table(['NAMESPACE', 'POD', 'CONTAINERS', 'STATE', 'RESTARTS', 'IP', 'PROXY'], pods),
    ...diagnosticLines(lab.diagnostics.filter((one) => one.level !== 'info')),
  ].join('\n');
}

/** `weft proxy-config SECTION POD`: Envoy's JSON. */
export async function proxyConfig(context: CliContext, section: string, pod: string, { name, namespace }: { readonly name?: string; readonly namespace?: string }): Promise<void> {
  const sections: readonly string[] = ['listeners', 'routes', 'clusters', 'endpoints', 'secrets'];
  if (!sections.includes(section)) throw new LabFailure('usage', `${section} is not a part of a proxy's config.`, { help: `One of ${sections.join(', ')}.` });
  const lab = await pickLab(context, name);
  const proxy = await findPod(context, lab, pod, namespace);
  context.terminal.out(JSON.stringify(await context.api.proxyConfig({ lab, proxy, section: section as ProxyConfigSection }), null, context.terminal.json ? 0 : 2));
}

/** A pod by its name, by `namespace/name`, or by the beginning of its name when only one pod has it. */
export async function findPod({ api }: CliContext, lab: string, pod: string, namespace?: string): Promise<string> {
  const { pods } = await api.status({ lab });
  const wanted = pod.includes('/') ? pod : undefined;
  const matches = pods.filter((candidate) => {
    const full = `${candidate.namespace}/${candidate.name}`;
    if (wanted !== undefined) return full === wanted;
    return (namespace === undefined || candidate.namespace === namespace) && (candidate.name === pod || candidate.name.startsWith(`${pod}-`) || candidate.workload === pod || candidate.app === pod);
  });
  const exact = matches.find((candidate) => candidate.name === pod) ?? matches[0];
  if (exact === undefined) throw new LabFailure('pod-not-found', `There is no pod ${pod} in ${lab}.`, { help: `It has ${pods.map((candidate) => candidate.name).join(', ')}.` });
  return `${exact.namespace}/${exact.name}`;
}

/** `weft traffic [--follow]`: one JSON object a line with --json, else one line for people. */
export async function traffic(context: CliContext, { name, follow, limit }: { readonly name?: string; readonly follow?: boolean; readonly limit?: number }): Promise<void> {
  const { api, on, terminal, signal } = context;
  const lab = await pickLab(context, name);
  const print = (records: readonly RequestRecord[]): void => { for (const record of records) terminal.out(terminal.json ? JSON.stringify(record) : recordLine(record)); };
  print([...await api.records({ lab, limit: limit ?? 100 })].sort((a, b) => a.time - b.time));
  if (follow !== true) return;
  const stop = on('records', (event) => { if (event.lab === lab) print(event.records); });
  await api.watch({ lab });
  await new Promise<void>((resolve) => { if (signal.aborted) resolve(); else signal.addEventListener('abort', () => { resolve(); }); });
  stop();
  await api.unwatch({ lab });
}

/** A record on one line, as the window's stream shows it. */
export function recordLine(record: RequestRecord): string {
  const time = new Date(record.time).toISOString().slice(11, 23);
  const ends = `${record.source.app === '' ? record.source.ip : record.source.app} → ${record.destination.app === '' ? record.service : `${record.destination.app} ${record.destination.version}`}`;
  const what = record.protocol === 'tcp' ? `TCP ${record.bytesReceived} B in, ${record.bytesSent} B out` : `${record.method} ${record.path} ${record.status}`;
  return `${time}  ${record.reporter === 'source' ? '>' : '<'} ${ends}  ${what}  ${record.flags.length === 0 ? '-' : record.flags.join(',')}  ${record.duration.toFixed(1)} ms  ${outcomeOf(record)}`;
}

/** `weft load`: traffic through the ingress, and what came of it. */
export async function load(context: CliContext, url: string | undefined, { name, rps, seconds }: { readonly name?: string; readonly rps: number; readonly seconds: number }): Promise<boolean> {
  const { api, on, terminal, signal } = context;
  const lab = await pickLab(context, name);
  await api.watch({ lab });
  const done = new Promise<void>((resolve) => {
    on('load', (event) => { if (event.lab === lab && !event.load.running) resolve(); });
    signal.addEventListener('abort', () => { resolve(); });
  });
  await api.load({ lab, rps, seconds, ...(url === undefined ? {} : { url }) });
  await done;
  const result = await api.stopLoad({ lab });
  terminal.out(terminal.json ? JSON.stringify(result) : `${result.sent} requests to ${result.url}: ${result.ok} ok, ${result.failed} failed, p50 ${result.p50.toFixed(1)} ms, p99 ${result.p99.toFixed(1)} ms (${Object.entries(result.byStatus).map(([code, count]) => `${code}: ${count}`).join(', ')})`);
  return result.failed === 0;
}
