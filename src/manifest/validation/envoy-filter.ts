import { ignoredFields, refusal, type ConfigPatch } from '../../features/envoy-filter/manifest.ts';
import type { TypedResource } from '../guards.ts';
import { checkRegex } from './names.ts';
import { each, type Report } from './report.ts';
import { checkReferences } from './targets.ts';

/** Istio's admission rules for an EnvoyFilter. */
export function validateEnvoyFilter({ spec }: TypedResource<'EnvoyFilter'>, report: Report): void {
  checkReferences(spec.targetRefs, report.at('targetRefs'));
  if (spec.workloadSelector !== undefined && Object.keys(spec.workloadSelector.labels).length === 0) report.at('workloadSelector').warning('The workloadSelector has no labels, so the patches apply to every workload of the namespace.', 'Leave it out if that is meant.');
  each(spec.configPatches, report.at('configPatches'), (patch, place) => {
    checkPatch(patch, place);
    checkMatch(patch, place.at('match'));
    const why = refusal(patch);
    if (why !== undefined) place.say({ code: 'WEFT0007', level: 'warning', message: `This patch is not applied: ${why}.`, help: 'The other patches are.' });
    for (const { path, why: instead } of ignoredFields(patch)) place.at(...path).say({ code: 'WEFT0007', level: 'info', message: `${path.at(-1) ?? ''} is known but not run: ${instead}.` });
  });
}

const insertions = new Set(['INSERT_BEFORE', 'INSERT_AFTER', 'INSERT_FIRST']);
const ordered = new Set(['HTTP_FILTER', 'NETWORK_FILTER', 'LISTENER_FILTER', 'HTTP_ROUTE']);
const replaceable = new Set(['HTTP_FILTER', 'NETWORK_FILTER', 'LISTENER_FILTER']);

function checkPatch({ applyTo, patch }: ConfigPatch, report: Report): void {
  if (applyTo === 'INVALID') report.error('The patch does not say what it applies to.', 'Write applyTo, such as HTTP_FILTER.');
  if (patch === undefined) return report.error('There is no patch.', 'Write patch with operation and value.');
  const place = report.at('patch');
  const { operation, value, filterClass } = patch;
  if (operation === 'INVALID') place.error('The patch does not say what it does.', 'Write operation, such as MERGE or INSERT_BEFORE.');
  if (operation !== 'REMOVE' && operation !== 'INVALID' && value === undefined) place.error(`Operation ${operation} needs a value.`, 'Write value.');
  if (operation === 'REMOVE' && value !== undefined) place.at('value').warning('REMOVE looks at match only, so the value has no effect.');
  if (filterClass !== 'UNSPECIFIED' && operation !== 'ADD') place.at('filterClass').error('filterClass says where a filter is added, so it needs operation ADD.');
  if (operation === 'REPLACE' && !replaceable.has(applyTo)) place.at('operation').error(`REPLACE is for filters, not for ${applyTo}.`, 'Use MERGE, or REMOVE and ADD.');
  if (insertions.has(operation) && !ordered.has(applyTo)) place.at('operation').error(`${applyTo} has no order to insert into.`, 'Use ADD.');
  if (applyTo === 'EXTENSION_CONFIG' && operation !== 'ADD') place.at('operation').error('Extension configurations can only be added.');
  if (value !== undefined) checkValue(applyTo, operation, value, place.at('value'));
  return undefined;
}

function checkValue(applyTo: ConfigPatch['applyTo'], operation: string, value: Readonly<Record<string, unknown>>, report: Report): void {
  const filters = applyTo === 'HTTP_FILTER' || applyTo === 'NETWORK_FILTER' || applyTo === 'LISTENER_FILTER';
  if (!filters || operation === 'MERGE') return;
  if (typeof value['name'] !== 'string' || value['name'] === '') report.error('The filter has no name.', 'Write value.name.');
  const config = value['typed_config'] ?? value['typedConfig'];
  if (config === undefined) {
    if (value['config'] !== undefined) report.at('config').error('Envoy no longer knows config.', 'Write typed_config with its @type.');
  } else if (typeof config !== 'object' || config === null || typeof (config as Readonly<Record<string, unknown>>)['@type'] !== 'string') report.at('typed_config').error('typed_config has no @type, so nobody knows what it configures.', 'Write "@type": type.googleapis.com/….');
}

const wanted: Readonly<Record<string, 'listener' | 'routeConfiguration' | 'cluster'>> = {
  LISTENER: 'listener', FILTER_CHAIN: 'listener', NETWORK_FILTER: 'listener', HTTP_FILTER: 'listener', LISTENER_FILTER: 'listener',
  ROUTE_CONFIGURATION: 'routeConfiguration', VIRTUAL_HOST: 'routeConfiguration', HTTP_ROUTE: 'routeConfiguration', CLUSTER: 'cluster',
};
/** Envoy's names of filters from before its extensions had one scheme. */
const oldName = /^envoy\.(buffer|cors|csrf|ext_authz|fault|grpc_http1_bridge|grpc_json_transcoder|grpc_web|gzip|health_check|http_dynamo_filter|ip_tagging|lua|rate_limit|router|squash|client_ssl_auth|echo|http_connection_manager|mongo_proxy|ratelimit|redis_proxy|tcp_proxy|listener\.[a-z_]+)$/;

function checkMatch({ applyTo, match }: ConfigPatch, report: Report): void {
  if (match === undefined) return;
  const version = match.proxy?.proxyVersion ?? '';
  if (version !== '') checkRegex(version, report.at('proxy', 'proxyVersion'));
  const right = wanted[applyTo];
  if (right !== undefined && match.context !== 'WAYPOINT') {
    for (const kind of ['listener', 'routeConfiguration', 'cluster'] as const) {
      if (kind !== right && match[kind] !== undefined) report.at(kind).error(`A patch of ${applyTo} is chosen by ${right}, not by ${kind}.`, `Write match.${right}.`);
    }
  }
  const filter = match.listener?.filterChain?.filter;
  if (filter === undefined) return;
  const place = report.at('listener', 'filterChain', 'filter');
  if (applyTo === 'LISTENER' || applyTo === 'FILTER_CHAIN') place.warning(`A match by filter has no effect on ${applyTo}.`, 'Remove it, or use NETWORK_FILTER.');
  if (filter.name === '') place.error('The filter match has no name.', 'Write filter.name.');
  if (oldName.test(filter.name)) place.at('name').warning(`${filter.name} is an old name.`, 'Use the name that begins with envoy.filters.');
  if (filter.subFilter === undefined) return;
  if (filter.subFilter.name === '') place.at('subFilter').error('The subFilter match has no name.');
  if (oldName.test(filter.subFilter.name)) place.at('subFilter', 'name').warning(`${filter.subFilter.name} is an old name.`, 'Use the name that begins with envoy.filters.');
  if (applyTo !== 'HTTP_FILTER' && applyTo !== 'NETWORK_FILTER') place.at('subFilter').error(`A subFilter chooses among HTTP filters, so it has no meaning for ${applyTo}.`);
  else if (!filter.name.endsWith('http_connection_manager')) place.at('subFilter').error('Only the filter envoy.filters.network.http_connection_manager has subFilters.');
}
