import { gatewayGroup, type Resource } from '../../manifest/index.ts';
import { finding, type Analyzer, type Finding } from '../analyzer.ts';

const bundleVersion = 'gateway.networking.k8s.io/bundle-version';

/** Versions that a definition must serve for Istio to take it at all, and those that a later Istio will ask for. Source: istio.io, IST0156 and IST0172. */
const servedNow: ReadonlySet<string> = new Set(['gateways', 'gatewayclasses', 'httproutes', 'referencegrants']);
const servedLater: ReadonlySet<string> = new Set(['gateways', 'gatewayclasses', 'httproutes', 'grpcroutes']);
/** The oldest Gateway API whose definition of a kind Istio reads. Source: istio.io, IST0176 and the upgrade notes of 1.30. */
const oldest: ReadonlyMap<string, string> = new Map([['tlsroutes', '1.5.0'], ['referencegrants', '1.5.0']]);

/** Definitions of Gateway API's kinds that are too old for Istio, which then passes over every resource of the kind without a word. */
export const gatewayApiVersions: Analyzer = {
  name: 'gatewayapi.VersionAnalyzer',
  codes: ['IST0156', 'IST0172', 'IST0176'],
  cluster: true,
  run: ({ resources }) => resources.filter(({ kind }) => kind === 'CustomResourceDefinition').flatMap((definition) => {
    const [plural = '', ...group] = definition.metadata.name.split('.');
    if (group.join('.') !== gatewayGroup) return [];
    const served = tooFewVersions(plural, servedVersions(definition));
    const old = tooOld(plural, definition.metadata.annotations[bundleVersion]);
    return [
      ...(served === undefined ? [] : [finding(definition, ['spec', 'versions'], served)]),
      ...(old === undefined ? [] : [finding(definition, ['metadata', 'annotations', bundleVersion], old)]),
    ];
  }),
};

const help = 'Install the definitions of a newer Gateway API.';

function tooFewVersions(plural: string, served: readonly string[]): Finding | undefined {
  const has = served.length === 0 ? 'nothing' : served.join(', ');
  if (servedNow.has(plural) && !served.includes('v1beta1')) return { code: 'IST0156', level: 'error', message: `Istio needs v1beta1 of ${plural}; this definition serves ${has}.`, help };
  if (servedLater.has(plural) && !served.includes('v1')) return { code: 'IST0172', level: 'warning', message: `A later Istio needs v1 of ${plural}; this definition serves ${has}.`, help };
  return undefined;
}

function tooOld(plural: string, version: string | undefined): Finding | undefined {
  const needed = oldest.get(plural);
  if (needed === undefined || version === undefined || !below(version, needed)) return undefined;
  return { code: 'IST0176', level: 'warning', message: `This is ${plural} of Gateway API ${version}; Istio needs ${needed} and passes over every resource of the kind.`, help };
}

function servedVersions({ body }: Resource): readonly string[] {
  const versions = (body['spec'] as { readonly versions?: unknown } | null | undefined)?.versions;
  return (Array.isArray(versions) ? versions : []).flatMap((version: unknown) => {
    const { name, served } = (version ?? {}) as { readonly name?: unknown; readonly served?: unknown };
    return typeof name === 'string' && served !== false ? [name] : [];
  });
}

/** Whether one version comes before another. Of `v1.5.0-rc.1` the numbers count; a text without numbers is of no version. */
function below(version: string, than: string): boolean {
  const [left, right] = [numbersOf(version), numbersOf(than)];
  if (left.length === 0) return false;
  const at = right.findIndex((number, index) => (left[index] ?? 0) !== number);
  return at >= 0 && (left[at] ?? 0) < (right[at] ?? 0);
}

const numbersOf = (version: string): readonly number[] => (/^v?(\d+(?:\.\d+)*)/.exec(version)?.[1] ?? '').split('.').filter((part) => part !== '').map(Number);
