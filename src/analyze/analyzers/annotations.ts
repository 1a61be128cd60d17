import { podTemplate, type Diagnostic, type Resource } from '../../manifest/index.ts';
import { captureList, isIpv4Range, isPort } from '../../util/capture-lists.ts';
import { finding, systemNamespaces, type Analysis, type Analyzer, type Finding } from '../analyzer.ts';
import { annotations } from './annotation-table.ts';

const name = 'annotations.K8sAnalyzer';
const kinds: ReadonlySet<string> = new Set(['Namespace', 'Service', 'Pod', 'Deployment']);

/** Annotations of Istio's that nobody knows, that stand where nobody reads them, or whose value is of no use. */
export const annotationMistakes: Analyzer = { name, codes: ['IST0107', 'IST0108', 'IST0125'], run: (analysis) => each(analysis, (key, kind, value) => mistake(key, kind, value) ?? invalid(key, value)) };

/** Annotations that Istio has given up or not finished: of interest before a cluster is upgraded. */
export const annotationStages: Analyzer = { name, codes: ['IST0135', 'IST0136'], cluster: true, run: (analysis) => each(analysis, (key) => stage(key)) };

/** Values of capture annotations that make no rules. In a lab such a pod does not start, and what starts it says why. */
export const captureAnnotations: Analyzer = { name, codes: ['IST0125'], cluster: true, run: (analysis) => each(analysis, (key, _kind, value) => refused(key, captureProblem(key, value))) };

type Judge = (annotation: string, kind: string, value: string) => Finding | undefined;

/** Judges the annotations of the resources, and of the pods that they make. */
function each({ resources }: Analysis, judge: Judge): readonly Diagnostic[] {
  return resources.filter(({ kind, metadata }) => kinds.has(kind) && !systemNamespaces.has(kind === 'Namespace' ? metadata.name : metadata.namespace)).flatMap((resource) => {
    const own = among(resource, resource.metadata.annotations, { kind: resource.kind, path: ['metadata', 'annotations'], judge });
    const template = resource.kind === 'Deployment' ? podTemplate(resource) : undefined;
    return template === undefined ? own : [...own, ...among(resource, template.annotations, { kind: 'Pod', path: ['spec', 'template', 'metadata', 'annotations'], judge })];
  });
}

function among(resource: Resource, written: Readonly<Record<string, string>>, { kind, path, judge }: { readonly kind: string; readonly path: readonly string[]; readonly judge: Judge }): readonly Diagnostic[] {
  return Object.entries(written).filter(([key]) => key.split('/', 1)[0]?.endsWith('istio.io') === true).flatMap(([key, value]) => {
    const what = judge(key, kind, value);
    return what === undefined ? [] : [finding(resource, [...path, key], what)];
  });
}

function mistake(key: string, kind: string, _value: string): Finding | undefined {
  const known = annotations.get(key);
  if (known === undefined) return { code: 'IST0108', level: 'warning', message: `Istio knows no annotation ${key}.`, help: 'See “Resource Annotations” in Istio’s reference.' };
  if (known.kinds.includes('Any') || known.kinds.includes(kind)) return undefined;
  return { code: 'IST0107', level: 'warning', message: `${key} has no effect on a ${kind}.`, help: `Istio reads it on ${known.kinds.join(', ')}${kind === 'Deployment' && known.kinds.includes('Pod') ? ': write it under spec.template.metadata' : ''}.` };
}

const numbers = /^(?:readiness\.status\.sidecar\.istio\.io\/(?:failureThreshold|initialDelaySeconds|periodSeconds)|status\.sidecar\.istio\.io\/port)$/;
const switches: ReadonlySet<string> = new Set(['sidecar.istio.io/inject', 'sidecar.istio.io/rewriteAppHTTPProbers', 'sidecar.istio.io/enableCoreDump', 'prometheus.istio.io/merge-metrics', 'sidecar.istio.io/nativeSidecar']);

function invalid(key: string, value: string): Finding | undefined {
  const problem = numbers.test(key) && !/^\d+$/.test(value) ? `“${value}” is not a whole number`
    : switches.has(key) && !/^(?:true|false|1|0|t|f)$/i.test(value) ? `“${value}” is neither true nor false`
    : key === 'sidecar.istio.io/interceptionMode' && !['REDIRECT', 'TPROXY', 'NONE'].includes(value) ? `“${value}” is none of REDIRECT, TPROXY, NONE`
    : undefined;
  return refused(key, problem);
}

function captureProblem(key: string, value: string): string | undefined {
  const [, list] = /^traffic\.sidecar\.istio\.io\/(?:include|exclude)(?:In|Out)bound(Ports|IPRanges)$/.exec(key) ?? [];
  if (list === undefined) return undefined;
  const wrong = captureList(value).find((item) => item !== '*' && !(list === 'Ports' ? isPort(item) : isIpv4Range(item)));
  return wrong === undefined ? undefined : `“${wrong}” is not ${list === 'Ports' ? 'a port' : 'an IPv4 range'}`;
}

function refused(key: string, problem: string | undefined): Finding | undefined {
  return problem === undefined ? undefined : { code: 'IST0125', level: 'warning', message: `${key} is not valid: ${problem}.` };
}

function stage(key: string): Finding | undefined {
  const known = annotations.get(key);
  if (known?.stage === 'deprecated') return { code: 'IST0135', level: 'info', message: `${key} is deprecated and may stop working.` };
  if (known?.stage === 'alpha') return { code: 'IST0136', level: 'info', message: `${key} is part of an alpha feature.` };
  return undefined;
}
