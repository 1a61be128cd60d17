import type { Diagnostic, Resource } from '../../manifest/index.ts';
import { finding, type Analyzer, type Finding } from '../analyzer.ts';

interface Patch {
  readonly applyTo?: string;
  readonly match?: { readonly proxy?: { readonly proxyVersion?: string }; readonly listener?: { readonly filterChain?: { readonly filter?: unknown } } } | null;
  readonly patch?: { readonly operation?: string } | null;
}

const relative = new Set(['INSERT_BEFORE', 'INSERT_AFTER', 'REPLACE']);
const replaceable = new Set(['HTTP_FILTER', 'NETWORK_FILTER', 'VIRTUAL_HOST', 'EXTENSION_CONFIG', 'LISTENER_FILTER']);
const whole = new Set(['ROUTE_CONFIGURATION', 'HTTP_ROUTE']);

/** EnvoyFilters whose patches depend on other patches, or cannot work. */
export const envoyFilters: Analyzer = {
  name: 'envoyfilter.EnvoyPatchAnalyzer',
  codes: ['IST0151', 'IST0152', 'IST0153', 'IST0154', 'IST0155'],
  run: ({ resources }) => resources.filter(({ kind }) => kind === 'EnvoyFilter').flatMap(check),
};

function check(filter: Resource): readonly Diagnostic[] {
  const spec = filter.body['spec'] as { readonly priority?: unknown; readonly configPatches?: unknown } | null | undefined;
  const patches = Array.isArray(spec?.configPatches) ? (spec.configPatches as readonly (Patch | null)[]) : [];
  const once = new Set<string>();
  return patches.flatMap((patch, index) => {
    const path = ['spec', 'configPatches', index];
    return judge(patch ?? {}, Number(spec?.priority ?? 0) !== 0).flatMap((what) => {
      const repeated = once.has(what.code) && (what.code === 'IST0151' || what.code === 'IST0155');
      once.add(what.code);
      return repeated ? [] : [finding(filter, path, what)];
    });
  });
}

function judge(patch: Patch, prioritized: boolean): readonly Finding[] {
  const operation = patch.patch?.operation ?? '';
  const applyTo = patch.applyTo ?? '';
  if (operation === 'REPLACE' && !replaceable.has(applyTo)) return [wrong('IST0152', operation, applyTo)];
  if (operation === 'ADD' && whole.has(applyTo)) return [wrong('IST0153', operation, applyTo)];
  if (operation === 'REMOVE' && whole.has(applyTo)) return [wrong('IST0154', operation, applyTo)];
  const depends = relative.has(operation) && !prioritized && patch.match?.listener?.filterChain?.filter !== undefined;
  if (!depends) return [];
  const found: Finding[] = [{ code: 'IST0151', level: 'warning', message: `${operation} is relative to a filter that another patch may add or remove first.`, help: 'Set a priority, or use INSERT_FIRST or ADD.' }];
  if ((patch.match?.proxy?.proxyVersion ?? '') !== '') found.push({ code: 'IST0155', level: 'warning', message: `${operation} with a proxyVersion stops working, silently, when the proxies are updated.`, help: 'Set a priority, and check it at each update.' });
  return found;
}

function wrong(code: string, operation: string, applyTo: string): Finding {
  return { code, level: 'error', message: `${operation} does nothing with applyTo ${applyTo}.`, help: 'See Envoy’s operations for what each object allows.' };
}
