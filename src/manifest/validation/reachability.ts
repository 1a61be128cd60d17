import type { HTTPMatchRequest } from '../../features/routing/manifest.ts';
import type { VirtualService } from '../kinds/virtual-service.ts';
import type { Report } from './report.ts';

/** A rule with its matches, whatever its protocol. */
interface Rule {
  readonly name?: string;
  readonly match: readonly object[];
}

/** Finds rules that no request can reach, and matches that an earlier one already takes. */
export function reachability(spec: VirtualService, report: Report): void {
  const noName = { name: '', statPrefix: '' };
  rules(spec.http, report.at('http'), (earlier, later) => httpCovers({ ...earlier, ...noName } as HTTPMatchRequest, { ...later, ...noName } as HTTPMatchRequest));
  rules(spec.tls, report.at('tls'), equal);
  rules(spec.tcp, report.at('tcp'), equal);
}

const key = (match: object): string => JSON.stringify({ ...match, name: '', statPrefix: '' });
const equal = (left: object, right: object): boolean => key(left) === key(right);
const title = (rule: Rule, index: number): string => (rule.name === undefined || rule.name === '' ? `#${index}` : `“${rule.name}”`);

type Covers = (earlier: object, later: object) => boolean;

function rules(list: readonly Rule[], report: Report, covers: Covers): void {
  const seen: { readonly match: object; readonly rule: number }[] = [];
  let catchAll: number | undefined;
  list.forEach((rule, index) => {
    if (catchAll !== undefined) {
      const first = list[catchAll];
      return unreachable(report.at(index), `rule ${title(first ?? rule, catchAll)} before it has no match, so it takes every request`);
    }
    if (rule.match.length === 0) catchAll = index;
    else matches(rule, index, { list, seen, report: report.at(index), covers });
    return undefined;
  });
}

interface Pass {
  readonly list: readonly Rule[];
  readonly seen: { readonly match: object; readonly rule: number }[];
  readonly report: Report;
  readonly covers: Covers;
}

function matches(rule: Rule, index: number, { list, seen, report, covers }: Pass): void {
  let duplicates = 0;
  rule.match.forEach((match, position) => {
    const same = seen.find((earlier) => equal(earlier.match, match));
    const taken = same ?? seen.find((earlier) => covers(earlier.match, match));
    if (taken !== undefined) {
      const by = list[taken.rule] ?? rule;
      const where = taken.rule === index ? 'another match of the same rule' : `rule ${title(by, taken.rule)}`;
      report.at('match', position).say({ code: 'IST0131', level: 'info', message: `This match has no effect: ${where} already takes all its requests.`, help: 'Remove it, or move the narrower match first.' });
    }
    if (same !== undefined) duplicates++;
    else seen.push({ match, rule: index });
  });
  if (duplicates === rule.match.length) unreachable(report, 'all its matches are used by earlier rules');
}

function unreachable(report: Report, why: string): void {
  report.say({ code: 'IST0130', level: 'warning', message: `No request can reach this rule: ${why}.`, help: 'Remove it, or move it up.' });
}

const keyed = ['headers', 'queryParams', 'withoutHeaders', 'sourceLabels'] as const;

/** Whether every request that `later` matches is matched by `earlier`, as far as prefixes and equal conditions tell. */
function httpCovers(earlier: HTTPMatchRequest, later: HTTPMatchRequest): boolean {
  if (earlier.uri?.kind !== 'prefix' || later.uri?.kind !== 'prefix' || earlier.ignoreUriCase !== later.ignoreUriCase) return false;
  if (!later.uri.value.startsWith(earlier.uri.value)) return false;
  const same = (left: unknown, right: unknown): boolean => JSON.stringify(left) === JSON.stringify(right);
  const single = (['scheme', 'method', 'authority'] as const).every((field) => earlier[field] === undefined || same(earlier[field], later[field]));
  const maps = keyed.every((field) => Object.entries(earlier[field]).every(([name, value]) => same(value, later[field][name])));
  return single && maps && (earlier.port === 0 || earlier.port === later.port) && (earlier.sourceNamespace === '' || earlier.sourceNamespace === later.sourceNamespace) && (earlier.gateways.length === 0 || same(earlier.gateways, later.gateways));
}
