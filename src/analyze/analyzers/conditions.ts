import { groupOf, type Resource } from '../../manifest/index.ts';
import { finding, type Analyzer } from '../analyzer.ts';

interface Condition {
  readonly type?: string;
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
}
type Status = { readonly conditions?: unknown; readonly parents?: unknown } | null | undefined;

/** Conditions that Istio writes on kinds of others. */
const istioPrefix = 'istio.io/';

/** Resources whose status says that something could not be done. */
export const conditions: Analyzer = {
  name: 'conditions.ConditionAnalyzer',
  codes: ['IST0171'],
  run: ({ resources }) => resources.flatMap((resource) => {
    const bad = conditionsOf(resource).find(negative);
    if (bad === undefined) return [];
    return [finding(resource, ['status'], { code: 'IST0171', level: 'warning', message: `Its status says ${bad.type ?? ''} ${bad.status ?? ''}: ${bad.reason ?? ''}${bad.message === undefined ? '' : ` (${bad.message.slice(0, 200)})`}.` })];
  }),
};

const negative = ({ status, reason }: Condition): boolean => status === 'False' || reason === 'PartiallyInvalid';
const listed = (value: unknown): readonly Condition[] => (Array.isArray(value) ? value.filter((item): item is Condition => typeof item === 'object' && item !== null) : []);

function conditionsOf(resource: Resource): readonly Condition[] {
  const status = resource.body['status'] as Status;
  const all = [...listed(status?.conditions), ...listed(status?.parents).flatMap((parent) => listed((parent as Status)?.conditions))];
  const group = groupOf(resource.apiVersion);
  const ours = group.endsWith('istio.io') || group === 'gateway.networking.k8s.io';
  return all.filter(({ type }) => (ours ? true : (type ?? '').startsWith(istioPrefix)));
}
