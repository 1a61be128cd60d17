import { LabFailure, type Explanation, type LabApi, type LabEvents, type LabSummary, type Operation, type Sample, type Step, type Tutorial, type TutorialState } from '../../src/contract/index.ts';

/** What the views beside the stage are played with. */
export interface ViewsContext {
  tell<Name extends keyof LabEvents>(event: Name, value: Parameters<LabEvents[Name]>[0]): void;
  /** Called when a lab has been started. */
  started(): readonly LabSummary[];
  readonly name: string;
  /** `engine`, `start` and `consent`: what goes wrong, or is asked for. */
  readonly broken?: string | undefined;
}

const samples: readonly Omit<Sample, 'files'>[] = [
  { name: 'bookinfo', title: 'Bookinfo', summary: 'A book shop of four services, one of them in three versions. The one to start with.', path: '/productpage' },
  { name: 'helloworld', title: 'Hello world', summary: 'One service in two versions. The smallest lab for weights and load balancing.', path: '/hello' },
  { name: 'httpbin', title: 'httpbin and curl', summary: 'One server that answers anything, one client with a terminal. For trying single requests.', path: '/get' },
  { name: 'tcp-echo', title: 'TCP echo', summary: 'Plain TCP in two versions. Connections instead of requests, routed by port and weight.', path: '/' },
];

const tutorial: Tutorial = {
  id: 'first-traffic', title: 'First traffic', summary: 'Watch real requests cross the mesh, find out who answered, and take the first decision yourself.', minutes: 6, sample: 'bookinfo',
  steps: [
    { id: 'start', title: 'Let some requests in', text: 'Start the **traffic** at the top.', doable: true },
    { id: 'versions', title: 'Three versions take turns', text: 'Look at **reviews**: one card, three rows. They are three Deployments with the same label `app: reviews`, and the Service of that name picks all of them.\n\nYou can see it in the [shop](view:traffic) too. <img src=x onerror=alert(1)><script>window.hacked = true</script> [Read more](https://istio.io/latest/docs/).', hint: 'Wait a moment: each of them has to answer **four** times.', doable: true },
    { id: 'decide', title: 'Take the first decision', text: 'Move the slider.', doable: true },
  ],
};

const titles: readonly (readonly [string, string])[] = [['manifests', 'Read the manifests'], ['image', 'Prepare the image'], ['control-plane', 'Start the control plane'], ['pods', 'Start the pods'], ['ready', 'Wait until all pods are ready']];

/** A manifest that wants more than a lab has to give. */
const agent = { path: 'agent.yaml', text: `apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: node-agent
spec:
  selector: { matchLabels: { app: node-agent } }
  template:
    metadata: { labels: { app: node-agent } }
    spec:
      hostNetwork: true
      containers:
      - name: agent
        image: example.com/agent:1
        securityContext:
          privileged: true
      volumes:
      - name: engine
        hostPath: { path: /var/run/docker.sock }
      - name: data
        hostPath: { path: /var/lib/agent }
` };

/** Plays preflight, samples, starting, logs, terminals, config, explain and tutorials. */
export function playViews(context: ViewsContext): Partial<LabApi> {
  let state: TutorialState = { tutorial: 'first-traffic', lab: context.name, done: ['start'], current: 'versions', waitingFor: 'Waiting for requests to reviews v3 (2 of 4)' };
  const moveTo = (next: TutorialState): TutorialState => { state = next; context.tell('tutorial', next); return next; };
  return {
    preflight: async () => preflight(context.broken),
    samples: async () => samples.map(sample => ({ ...sample, files: context.broken === 'consent' ? [agent] : [] })),
    up: async request => start(request.lab, context),
    cancel: async () => undefined,
    down: async ({ lab }) => ({ id: 'down', lab, title: `Remove ${lab}`, state: 'running', steps: [] }),
    ...streams(context),
    proxyConfig: async ({ section }) => config(section),
    restart: async () => undefined,
    explain: async ({ call }): Promise<Explanation> => ({
      call, summary: 'The ingress gateway sends it to productpage, which answers.', status: 200, flags: [], clusters: [{ cluster: 'outbound|9080|v1|reviews.default.svc.cluster.local', share: 0.9, status: 200, flags: [] }, { cluster: 'outbound|9080|v3|reviews.default.svc.cluster.local', share: 0.1, status: 503, flags: ['UH'] }],
      steps: [
        { stage: 'listener', what: '0.0.0.0_9080', why: 'listens on the port of the destination' },
        { stage: 'route', what: 'reviews.default/http[1]', why: 'it is the first rule whose conditions hold', origin: { file: 'reviews.yaml', line: 12, kind: 'VirtualService', name: 'reviews' }, rejected: [{ what: 'http[0]', why: 'header end-user is missing', origin: { file: 'reviews.yaml', line: 8, kind: 'VirtualService', name: 'reviews' } }] },
      ],
    }),
    tutorials: async () => [tutorial],
    tutorial: async () => state,
    tutorialStart: async ({ fresh }) => (fresh === true ? moveTo({ ...state, done: [], current: 'start' }) : state),
    tutorialDo: async () => moveTo({ ...state, done: [...state.done, 'versions'], current: 'decide', waitingFor: 'Waiting for a VirtualService for reviews' }),
  };
}

function preflight(broken: string | undefined): Awaited<ReturnType<LabApi['preflight']>> {
  const engine = broken === 'engine'
    ? { state: 'failed' as const, detail: 'No Docker engine answers.', fix: 'sudo apt-get install docker.io && sudo systemctl start docker' }
    : { state: 'ok' as const, detail: 'Docker 28.1 on /var/run/docker.sock' };
  return {
    ok: broken !== 'engine',
    checks: [
      { id: 'engine', title: 'Docker engine', tried: ['/var/run/docker.sock', '~/.docker/run/docker.sock', '~/.colima/default/docker.sock'], ...engine },
      { id: 'memory', title: 'Memory', state: 'ok', detail: '6.2 GB free', tried: [] },
      { id: 'disk', title: 'Disk', state: 'warning', detail: '3.1 GB free', tried: [], fix: 'docker system prune' },
      { id: 'images', title: 'Images', state: 'ok', detail: 'No registry answers: stand-ins take the place of sample images.', tried: ['registry.istio.io'] },
    ],
  };
}

function start(lab: string, context: ViewsContext): Operation {
  const id = `up-${lab}`;
  const total = titles.length;
  const at = (index: number): Operation => {
    const failed = context.broken === 'start' && index === 3;
    const steps = titles.map(([step, title], position): Step => ({ id: step, title, state: position < index ? 'done' : position === index ? failed ? 'failed' : 'running' : 'waiting', ...(position < index ? { took: 120 + position * 830 } : {}), ...(position === 0 && index > 0 ? { detail: '17 resources in 3 files' } : {}) }));
    return { id, lab, title: `Start ${lab}`, state: failed ? 'failed' : index === total ? 'done' : 'running', steps, ...(failed ? { error: { code: 'image-unavailable', message: 'The image examples-bookinfo-ratings-v1 cannot be pulled: no registry answers.', help: 'Connect to the internet, or choose stand-ins in the settings.' } } : {}) };
  };
  const advance = (index: number): void => {
    if (index === total) context.tell('labs', context.started());
    context.tell('operation', at(index));
    if (index < total && !(context.broken === 'start' && index === 3)) setTimeout(() => advance(index + 1), 500);
  };
  setTimeout(() => advance(0), 10);
  return at(0);
}

function streams({ tell }: ViewsContext): Partial<LabApi> {
  let count = 0;
  const say = (stream: string, data: string): void => { setTimeout(() => tell('stream', { stream, data }), 20); };
  return {
    logs: async ({ pod, container }) => {
      const stream = `s${(count += 1)}`;
      say(stream, `${pod} ${container ?? ''} listens on 9080\n`);
      for (let line = 0; line < 60; line += 1) say(stream, `\u001b[32m${new Date(1_764_000_000_000 + line * 731).toISOString()}\u001b[0m GET /reviews/0 200 ${3 + (line % 9)} ms <script>alert(${line})</script>\n`);
      return stream;
    },
    exec: async () => {
      const stream = `s${(count += 1)}`;
      say(stream, '$ ');
      return stream;
    },
    write: async ({ stream, data }) => { say(stream, data === '\r' ? '\r\nreviews-v1\r\n$ ' : data); },
    resize: async () => undefined,
    close: async () => undefined,
  };
}

function config(section: string): readonly unknown[] {
  if (section === 'secrets') return [];
  if (section === 'endpoints' ) return [{ clusterName: 'outbound|9080||reviews.default.svc.cluster.local', endpoints: [{ lbEndpoints: [{}, {}] }] }];
  if (section === 'routes') return [{ name: '9080', virtualHosts: [{ name: 'reviews', routes: [{}, {}] }] }];
  if (section === 'clusters') return [{ name: 'outbound|9080|v1|reviews.default.svc.cluster.local', type: 'EDS', lbPolicy: 'LEAST_REQUEST', metadata: { filterMetadata: { 'dev.weft': { file: 'reviews.yaml', line: 12, kind: 'DestinationRule', name: 'reviews' } } } }];
  if (section === 'listeners') return [{ name: 'virtualOutbound', filterChains: [{}] }, { name: 'virtualInbound', filterChains: [{}, {}, {}] }, { name: '0.0.0.0_9080', filterChains: [{}] }];
  throw new LabFailure('usage', `There is no section ${section}.`);
}
