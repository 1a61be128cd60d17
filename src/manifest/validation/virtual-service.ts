import type { TypedResource } from '../guards.ts';
import type { VirtualService } from '../kinds/virtual-service.ts';
import { checkHttpRoute } from './http-route.ts';
import { checkLabels, checkNamespace, checkPort, covers, isIp, isSubnet, overlap, wildcardDomainFault } from './names.ts';
import { each, type Report } from './report.ts';
import { reachability } from './reachability.ts';
import { checkDestination, checkExportTo, checkGatewayNames, checkWeights } from './shared.ts';

/** Istio's admission rules for a VirtualService, and rules that can never match. */
export function validateVirtualService(resource: TypedResource<'VirtualService'>, report: Report): void {
  const { spec } = resource;
  const delegate = spec.hosts.length === 0;
  if (delegate) checkDelegate(spec, report);
  else checkHosts(spec, report.at('hosts'));
  if (spec.http.length + spec.tcp.length + spec.tls.length === 0) report.error('The VirtualService has no rules.', 'Write http, tls or tcp.');
  checkGatewayNames(spec.gateways, report.at('gateways'));
  const onGateway = spec.gateways.some((name) => name !== 'mesh');
  const nulls = nullMatches(resource.body);
  each(spec.http, report.at('http'), (route, place, index) => checkHttpRoute(route, place, { delegate, onGateway, nulls: nulls[index] ?? [] }));
  each(spec.tls, report.at('tls'), (route, place) => checkTls(route, spec.hosts, place));
  each(spec.tcp, report.at('tcp'), (route, place) => {
    each(route.match, place.at('match'), checkConnection);
    checkRoutes(route.route, place.at('route'));
  });
  checkExportTo(spec.exportTo, resource.metadata.namespace, report.at('exportTo'));
  reachability(spec, report);
}

function checkDelegate(spec: VirtualService, report: Report): void {
  if (spec.gateways.length > 0) report.at('gateways').error('A VirtualService without hosts is a delegate, and a delegate has no gateways of its own.', 'Add hosts, or remove gateways.');
  if (spec.tcp.length + spec.tls.length > 0) report.error('A VirtualService without hosts is a delegate, and only http rules can be delegated.');
}

function checkHosts(spec: VirtualService, report: Report): void {
  const mesh = spec.gateways.length === 0 || spec.gateways.includes('mesh');
  let sound = true;
  each(spec.hosts, report, (host, place) => {
    const fault = isIp(host) ? undefined : wildcardDomainFault(host);
    if (fault !== undefined) place.error(`The host “${host}” ${fault}.`);
    else if (mesh && host === '*') place.error('The host “*” is only possible on a gateway: inside the mesh it would take over every service.', 'Name the hosts, or bind to a gateway.');
    else return;
    sound = false;
  });
  if (!sound) return;
  each(spec.hosts, report, (host, place, index) => {
    const other = spec.hosts.slice(0, index).find((earlier) => overlap(earlier, host));
    if (other !== undefined) place.error(`The host “${host}” overlaps “${other}” in the same VirtualService.`, 'Keep one of them.');
  });
}

function checkTls(route: VirtualService['tls'][number], hosts: readonly string[], report: Report): void {
  if (route.match.length === 0) report.error('A tls rule must say which SNI hosts it is for.', 'Write match with sniHosts.');
  each(route.match, report.at('match'), (match, place) => {
    if (match.sniHosts.length === 0) place.error('A tls match needs at least one SNI host.', 'Write sniHosts.');
    each(match.sniHosts, place.at('sniHosts'), (sni, at) => {
      const fault = wildcardDomainFault(sni);
      if (isIp(sni)) at.warning(`TLS clients do not send SNI for an address such as ${sni}, so this never matches.`, 'Use a name.');
      else if (fault !== undefined) at.error(`The SNI host “${sni}” ${fault}.`);
      else if (!hosts.some((host) => covers(host, sni))) at.error(`The SNI host “${sni}” is not covered by the VirtualService’s hosts.`, 'Add it to hosts.');
    });
    checkConnection(match, place);
  });
  checkRoutes(route.route, report.at('route'));
}

function checkConnection(match: VirtualService['tcp'][number]['match'][number] | VirtualService['tls'][number]['match'][number], report: Report): void {
  if (match.port !== 0) checkPort(match.port, report.at('port'));
  each(match.destinationSubnets, report.at('destinationSubnets'), (subnet, place) => {
    if (!isSubnet(subnet)) place.error(`“${subnet}” is neither an address nor a subnet.`);
  });
  checkLabels(match.sourceLabels, report.at('sourceLabels'));
  checkNamespace(match.sourceNamespace, report.at('sourceNamespace'));
  checkGatewayNames(match.gateways, report.at('gateways'));
}

function checkRoutes(routes: VirtualService['tcp'][number]['route'], report: Report): void {
  if (routes.length === 0) report.error('The rule has no destination.', 'Write route with a destination.');
  each(routes, report, (route, place) => checkDestination(route.destination, place.at('destination')));
  checkWeights(routes, report);
}

/** Matches that are written as null; by field path below each rule, because null and absent parse alike. */
function nullMatches(body: Readonly<Record<string, unknown>>): readonly (readonly (readonly (string | number)[])[])[] {
  const http = (body['spec'] as { readonly http?: unknown } | undefined)?.http;
  if (!Array.isArray(http)) return [];
  return http.map((rule: { readonly match?: unknown } | null) => (Array.isArray(rule?.match) ? rule.match.flatMap(nullsIn) : []));
}

function nullsIn(match: Readonly<Record<string, unknown>> | null, index: number): (string | number)[][] {
  return ['headers', 'withoutHeaders', 'queryParams'].flatMap((field) => {
    const map = match?.[field];
    if (typeof map !== 'object' || map === null) return [];
    return Object.entries(map).filter(([, value]) => value === null).map(([name]) => ['match', index, field, name]);
  });
}
