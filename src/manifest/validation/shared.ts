import type { Destination } from '../../util/manifest-fields.ts';
import { each, type Report } from './report.ts';
import { checkPort, domainFault, isLabel, wildcardDomainFault } from './names.ts';

/** Istio's rules for `exportTo`. `own` is the resource's namespace. */
export function checkExportTo(names: readonly string[], own: string, report: Report, { none = false, onlyOwn = false }: { readonly none?: boolean; readonly onlyOwn?: boolean } = {}): void {
  const seen = new Set<string>();
  each(names, report, (name, place) => {
    const meant = name === own && own !== '' ? '.' : name;
    if (seen.has(meant)) place.error(`${name} says the same as another entry of exportTo.`);
    seen.add(meant);
    if (name === '~' && !none) place.error('exportTo “~” (nobody) is only for ServiceEntries and Services.');
    else if (!['.', '*', '~'].includes(name) && !isLabel(name)) place.error(`“${name}” is not a namespace.`, 'Use “.”, “*” or the name of a namespace.');
  });
  if (seen.size > 1 && seen.has('*')) report.error('exportTo “*” already means all namespaces; nothing else can stand beside it.');
  if (seen.size > 1 && seen.has('~')) report.error('exportTo “~” means nobody; nothing else can stand beside it.');
  if (onlyOwn && [...seen].some((name) => name !== '.')) report.error('A DestinationRule with a workloadSelector only works in its own namespace, so exportTo can only be “.”.');
}

/** Istio's rules for a destination. */
export function checkDestination(destination: Destination | undefined, report: Report): void {
  if (destination === undefined) return report.error('A destination is missing here, so there is nowhere to send requests.', 'Write destination.host.');
  const host = report.at('host');
  if (destination.host === '*') host.error('A destination must be one host, not “*”.');
  else {
    const fault = wildcardDomainFault(destination.host);
    if (fault !== undefined) host.error(`The destination host “${destination.host}” ${fault}.`);
  }
  if (destination.subset !== '' && !isLabel(destination.subset)) report.at('subset').error(`“${destination.subset}” is not a subset name.`, 'Use letters, digits and dashes.');
  if (destination.port !== undefined) checkPort(destination.port.number, report.at('port', 'number'));
}

/** Weights as Istio takes them: none negative, and not all zero when there are several. */
export function checkWeights(routes: readonly { readonly weight: number }[], report: Report): void {
  each(routes, report, ({ weight }, place) => {
    if (weight < 0) place.at('weight').error('A weight cannot be negative.');
  });
  const total = routes.reduce((sum, { weight }) => sum + weight, 0);
  if (routes.length > 1 && total === 0) report.error('The weights of these destinations add up to 0, so none would get a request.', 'Give at least one of them a weight.');
  if (total > 4_294_967_295) report.error('The weights add up to more than Envoy can take.');
}

/** Names of gateways: `mesh`, `name` or `namespace/name`. */
export function checkGatewayNames(names: readonly string[], report: Report): void {
  each(names, report, (name, place) => {
    const parts = name.split('/');
    const [namespace, gateway] = parts.length === 2 ? parts : ['', name];
    if (parts.length > 2) place.error(`“${name}” has more than one slash.`, 'Write namespace/name.');
    else if (parts.length === 2 && namespace !== '.' && !isLabel(namespace ?? '')) place.error(`“${namespace}” is not a namespace.`);
    else if (domainFault(gateway ?? '') !== undefined) place.error(`“${gateway}” is not the name of a gateway.`);
    else if (parts.length === 1 && name.includes('.')) place.warning(`“${name}” is the old way to name a gateway of another namespace.`, 'Write namespace/name.');
  });
}
