import type { ConnectionPoolSettings } from '../../features/circuit-breaking/manifest.ts';
import type { LoadBalancerSettings } from '../../features/load-balancing/manifest.ts';
import type { ClientTLSSettings } from '../../features/mtls/manifest.ts';
import type { OutlierDetection } from '../../features/outlier-detection/manifest.ts';
import type { TypedResource } from '../guards.ts';
import type { PortTrafficPolicy, TrafficPolicy } from '../kinds/destination-rule.ts';
import { checkLocality } from './locality.ts';
import { checkDuration, checkLabels, checkPort, checkSelector, domainFault, isIp, isLabel, wildcardDomainFault } from './names.ts';
import { each, type Report } from './report.ts';
import { checkExportTo } from './shared.ts';

/** Istio's admission rules for a DestinationRule. */
export function validateDestinationRule(resource: TypedResource<'DestinationRule'>, report: Report): void {
  const { spec } = resource;
  const fault = wildcardDomainFault(spec.host);
  if (fault !== undefined) report.at('host').error(`The host “${spec.host}” ${fault}.`);
  if (spec.trafficPolicy !== undefined) checkTrafficPolicy(spec.trafficPolicy, report.at('trafficPolicy'));
  const names = new Set<string>();
  each(spec.subsets, report.at('subsets'), (subset, place) => {
    if (!isLabel(subset.name)) place.at('name').error(subset.name === '' ? 'The subset has no name.' : `“${subset.name}” is not a subset name.`, 'Use letters, digits and dashes.');
    if (names.has(subset.name)) place.at('name').error(`The subset “${subset.name}” is defined twice.`);
    names.add(subset.name);
    checkLabels(subset.labels, place.at('labels'));
    if (subset.trafficPolicy !== undefined) checkTrafficPolicy(subset.trafficPolicy, place.at('trafficPolicy'));
  });
  const selector = spec.workloadSelector;
  if (selector !== undefined) {
    checkSelector(selector.matchLabels, report.at('workloadSelector', 'matchLabels'));
  }
  checkExportTo(spec.exportTo, resource.metadata.namespace, report.at('exportTo'), { onlyOwn: selector !== undefined });
}

const shared = ['connectionPool', 'loadBalancer', 'outlierDetection', 'tls'] as const;
const parts = [...shared, 'portLevelSettings', 'tunnel', 'proxyProtocol', 'retryBudget'] as const;

function checkTrafficPolicy(policy: TrafficPolicy, report: Report): void {
  if (parts.every((part) => policy[part] === undefined || (part === 'portLevelSettings' && policy.portLevelSettings.length === 0))) report.error('The traffic policy is empty.', 'Remove it, or write loadBalancer, tls ….');
  checkShared(policy, report);
  each(policy.portLevelSettings, report.at('portLevelSettings'), (settings, place) => {
    if (settings.port === undefined) place.error('A policy for a port must say for which.', 'Write port.number.');
    else checkPort(settings.port.number, place.at('port', 'number'));
    if (shared.every((part) => settings[part] === undefined)) place.error('The policy for this port is empty.', 'Remove it, or write loadBalancer, tls ….');
    checkShared(settings, place);
  });
  const { tunnel, retryBudget } = policy;
  if (tunnel !== undefined) {
    if (tunnel.targetHost === '') report.at('tunnel').error('The tunnel has no targetHost.');
    else if (!isIp(tunnel.targetHost) && domainFault(tunnel.targetHost) !== undefined) report.at('tunnel', 'targetHost').error(`“${tunnel.targetHost}” is neither a name nor an IP address.`);
    checkPort(tunnel.targetPort, report.at('tunnel', 'targetPort'));
    if (tunnel.protocol !== '' && tunnel.protocol !== 'CONNECT' && tunnel.protocol !== 'POST') report.at('tunnel', 'protocol').error('The tunnel’s protocol must be CONNECT or POST.');
  }
  if (retryBudget?.percent !== undefined && (retryBudget.percent < 0 || retryBudget.percent > 100)) report.at('retryBudget', 'percent').error(`${retryBudget.percent} is not a percentage.`);
}

function checkShared(policy: PortTrafficPolicy | TrafficPolicy, report: Report): void {
  if (policy.connectionPool !== undefined) checkConnectionPool(policy.connectionPool, report.at('connectionPool'));
  if (policy.loadBalancer !== undefined) checkLoadBalancer(policy.loadBalancer, report.at('loadBalancer'), policy.outlierDetection !== undefined);
  if (policy.outlierDetection !== undefined) checkOutliers(policy.outlierDetection, report.at('outlierDetection'));
  if (policy.tls !== undefined) checkClientTls(policy.tls, report.at('tls'));
}

/** Istio's rules for connection pools, of DestinationRules and Sidecars. */
export function checkConnectionPool({ tcp, http }: ConnectionPoolSettings, report: Report): void {
  if (tcp === undefined && http === undefined) report.error('The connection pool is empty.', 'Write tcp or http.');
  if (tcp !== undefined) {
    const place = report.at('tcp');
    if (tcp.maxConnections < 0) place.at('maxConnections').error('maxConnections cannot be negative.');
    checkDuration(tcp.connectTimeout, place.at('connectTimeout'));
    checkDuration(tcp.maxConnectionDuration, place.at('maxConnectionDuration'));
    checkDuration(tcp.idleTimeout, place.at('idleTimeout'), { zero: true });
  }
  if (http === undefined) return;
  const place = report.at('http');
  for (const field of ['http1MaxPendingRequests', 'http2MaxRequests', 'maxRequestsPerConnection', 'maxRetries', 'maxConcurrentStreams'] as const) {
    if (http[field] < 0) place.at(field).error(`${field} cannot be negative.`);
  }
  if (http.h2UpgradePolicy === 'UPGRADE' && http.useClientProtocol) place.error('useClientProtocol keeps the caller’s protocol, so it cannot stand beside h2UpgradePolicy UPGRADE.');
  checkDuration(http.idleTimeout, place.at('idleTimeout'), { zero: true });
  checkKeepAlive(http.http2KeepAlive, place.at('http2KeepAlive'));
}

function checkKeepAlive(keepAlive: { readonly interval?: number; readonly timeout?: number } | undefined, report: Report): void {
  if (keepAlive === undefined) return;
  if (keepAlive.interval === undefined || keepAlive.timeout === undefined) report.error('http2KeepAlive needs both interval and timeout.');
  checkDuration(keepAlive.interval, report.at('interval'));
  checkDuration(keepAlive.timeout, report.at('timeout'));
}

function checkOutliers(detection: OutlierDetection, report: Report): void {
  checkDuration(detection.interval, report.at('interval'));
  checkDuration(detection.baseEjectionTime, report.at('baseEjectionTime'));
  for (const field of ['maxEjectionPercent', 'minHealthPercent'] as const) {
    if (detection[field] < 0 || detection[field] > 100) report.at(field).error(`${detection[field]} is not a percentage from 0 to 100.`);
  }
  if (detection.consecutiveErrors !== undefined) report.at('consecutiveErrors').warning('consecutiveErrors is deprecated.', 'Use consecutiveGatewayErrors or consecutive5xxErrors.');
  if ((detection.consecutiveLocalOriginFailures ?? 0) > 0 && !detection.splitExternalLocalOriginErrors) report.at('consecutiveLocalOriginFailures').error('consecutiveLocalOriginFailures only counts with splitExternalLocalOriginErrors: true.');
}

function checkLoadBalancer(settings: LoadBalancerSettings, report: Report, watched: boolean): void {
  checkHash(settings.consistentHash, report.at('consistentHash'));
  const { localityLbSetting: locality, warmup } = settings;
  if (locality !== undefined) checkLocality(locality, report.at('localityLbSetting'), watched);
  checkDuration(settings.warmupDurationSecs, report.at('warmupDurationSecs'));
  if (warmup === undefined) return;
  if (warmup.duration === undefined) report.at('warmup').error('warmup needs a duration.');
  checkDuration(warmup.duration, report.at('warmup', 'duration'));
  if (warmup.minimumPercent !== undefined && (warmup.minimumPercent < 0 || warmup.minimumPercent > 100)) report.at('warmup', 'minimumPercent').error(`${warmup.minimumPercent} is not a percentage from 0 to 100.`);
  if (warmup.aggression !== undefined && warmup.aggression < 1) report.at('warmup', 'aggression').error('aggression must be at least 1.');
}

function checkHash(hash: LoadBalancerSettings['consistentHash'], report: Report): void {
  if (hash === undefined) return;
  const { key, table } = hash;
  if (key?.kind === 'cookie') {
    if (key.name === '') report.at('httpCookie').error('The cookie has no name.');
    const names = key.attributes.map(({ name }) => name);
    each(key.attributes, report.at('httpCookie', 'attributes'), ({ name }, place, index) => {
      if (name === '') place.error('The cookie’s attribute has no name.');
      else if (names.indexOf(name) < index) place.error(`The cookie’s attribute ${name} is written twice.`);
    });
  }
  if (table.kind === 'maglev' && table.tableSize !== undefined && !isPrime(table.tableSize)) report.at('maglev', 'tableSize').error(`Maglev needs a prime table size up to 5000011, not ${table.tableSize}.`, 'Leave it out for 65537.');
}

function isPrime(value: number): boolean {
  if (value < 2 || value > 5_000_011) return false;
  for (let divisor = 2; divisor * divisor <= value; divisor++) if (value % divisor === 0) return false;
  return true;
}

function checkClientTls(tls: ClientTLSSettings, report: Report): void {
  if (tls.insecureSkipVerify === true) {
    if (tls.mode === 'SIMPLE' || tls.mode === 'MUTUAL') {
      if (tls.caCertificates !== '') report.at('caCertificates').error('insecureSkipVerify is true, so caCertificates would never be looked at.', 'Remove one of them.');
      if (tls.mode === 'SIMPLE' && tls.credentialName !== '') report.at('credentialName').error('insecureSkipVerify is true, so the authority in the Secret would never be looked at.', 'Remove one of them.');
      if (tls.subjectAltNames.length > 0) report.at('subjectAltNames').error('insecureSkipVerify is true, so subjectAltNames would never be looked at.', 'Remove one of them.');
    }
  }
  if (tls.mode !== 'MUTUAL' && tls.mode !== 'SIMPLE') return;
  if (tls.credentialName !== '') {
    if (tls.clientCertificate !== '' || tls.privateKey !== '' || tls.caCertificates !== '' || tls.caCrl !== '') report.error('The certificates come from credentialName or from files, not both.');
  } else if (tls.mode === 'MUTUAL') {
    if (tls.clientCertificate === '') report.at('clientCertificate').error('Mode MUTUAL needs a client certificate.', 'Write clientCertificate and privateKey, or credentialName.');
    if (tls.privateKey === '') report.at('privateKey').error('Mode MUTUAL needs the client certificate’s private key.');
  }
}
