import type { TypedResource } from '../guards.ts';
import type { AuthorizationPolicy, AuthorizationRule } from '../../features/authorization/manifest.ts';
import { isSubnet } from './names.ts';
import { each, type Report } from './report.ts';
import { checkTargets } from './targets.ts';

/** Istio's admission rules for an AuthorizationPolicy. */
export function validateAuthorizationPolicy(resource: TypedResource<'AuthorizationPolicy'>, report: Report): void {
  const { spec } = resource;
  checkTargets(spec, report);
  checkAction(spec, report);
  checkDryRun(resource, report);
  each(spec.rules ?? [], report.at('rules'), (rule, place) => {
    checkRule(rule, place);
    if (spec.action === 'CUSTOM') checkCustom(rule, place);
    if (spec.action === 'DENY' && httpOnly(rule) && !(rule.to ?? []).some(({ operation }) => (operation?.ports.length ?? 0) > 0)) {
      place.warning('This rule looks at HTTP only, so it denies every connection of a TCP port that it cannot judge.', 'Say to which ports it applies.');
    }
  });
}

function checkAction({ action, provider, rules }: AuthorizationPolicy, report: Report): void {
  if (action === 'CUSTOM') {
    if (rules === undefined) report.error('CUSTOM needs rules that say which requests are asked about.');
    if (provider === undefined || provider.name === '') report.at('provider').error('CUSTOM needs a provider.', 'Write provider.name.');
  } else if (provider !== undefined) report.at('provider').error(`Only CUSTOM has a provider, not ${action}.`);
  if (action === 'DENY' && rules === undefined) report.error('A DENY policy without rules never denies anything.', 'Write rules; an empty rule, {}, denies all.');
}

function checkDryRun({ metadata, spec }: TypedResource<'AuthorizationPolicy'>, report: Report): void {
  const word = metadata.annotations['istio.io/dry-run'];
  if (word === undefined) return;
  if (!/^(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(word)) report.error(`The annotation istio.io/dry-run is true or false, not “${word}”.`);
  if (spec.action !== 'ALLOW' && spec.action !== 'DENY') report.error(`Dry run is possible with ALLOW and DENY, not with ${spec.action}.`);
}

function checkRule(rule: AuthorizationRule, report: Report): void {
  if (rule.from?.length === 0) report.at('from').error('from is empty.', 'Remove it, or name a source.');
  if (rule.to?.length === 0) report.at('to').error('to is empty.', 'Remove it, or name an operation.');
  each(rule.from ?? [], report.at('from'), ({ source }, place) => {
    checkLists(source, place.at('source'), 'source');
    if (source === undefined) return;
    const accounts = source.serviceAccounts.length + source.notServiceAccounts.length > 0;
    if (accounts && source.namespaces.length + source.notNamespaces.length + source.principals.length + source.notPrincipals.length > 0) place.at('source').error('serviceAccounts already names namespace and account; it cannot stand beside namespaces or principals.');
    for (const field of ['ipBlocks', 'notIpBlocks', 'remoteIpBlocks', 'notRemoteIpBlocks'] as const) {
      each(source[field], place.at('source', field), checkSubnet);
    }
    for (const field of ['serviceAccounts', 'notServiceAccounts'] as const) {
      each(source[field], place.at('source', field), (account, at) => {
        if (account.split('/').length > 2) at.error(`“${account}” is not namespace/account.`);
        else if (account.includes('*')) at.error('Accounts are compared exactly, without wildcards.', 'Use principals.');
      });
    }
  });
  each(rule.to ?? [], report.at('to'), ({ operation }, place) => {
    checkLists(operation, place.at('operation'), 'operation');
    for (const field of ['ports', 'notPorts'] as const) each(operation?.[field] ?? [], place.at('operation', field), checkPortText);
    for (const field of ['paths', 'notPaths'] as const) each(operation?.[field] ?? [], place.at('operation', field), checkPathTemplate);
  });
  each(rule.when, report.at('when'), checkCondition);
}

function checkLists(part: Readonly<Record<string, readonly string[]>> | undefined, report: Report, what: string): void {
  const lists = Object.entries(part ?? {}).filter(([, values]) => values.length > 0);
  if (lists.length === 0) return report.error(`The ${what} is empty, so it says nothing.`, `Remove it, or write a field of ${what}.`);
  for (const [field, values] of lists) {
    each(values, report.at(field), (value, place) => {
      if (value === '') place.error(`${field} has an empty entry.`);
    });
  }
}

function checkSubnet(block: string, report: Report): void {
  if (block !== '' && !isSubnet(block)) report.error(`“${block}” is neither an address nor a subnet.`);
}

function checkPortText(port: string, report: Report): void {
  if (port !== '' && !(/^\d{1,5}$/.test(port) && Number(port) <= 65535)) report.error(`“${port}” is not a port.`);
}

/** Paths may hold the templates {*} (one segment) and {**} (the rest), each a whole segment. Source: istio.io, AuthorizationPolicy, Operation.paths. */
function checkPathTemplate(path: string, report: Report): void {
  if (!/[{}]/.test(path)) return undefined;
  const segments = path.split('/');
  const bad = segments.find((segment) => /[{}]/.test(segment) && segment !== '{*}' && segment !== '{**}');
  if (bad !== undefined) return report.error(`“${bad}” is not a template.`, 'Use {*} or {**} as a whole segment.');
  if (segments.some((segment) => segment.includes('*') && !segment.startsWith('{'))) return report.error('A path has templates or a *, not both.', 'Use {*} for one segment, {**} for several.');
  const inner = path.replace(/^\/+|\/+$/g, '').split('/');
  if (inner.some((segment) => !segment.startsWith('{') && !/^[a-zA-Z0-9\-._~%!$&'()+,;:@=]+$/.test(segment))) return report.error('A path with templates has only characters that a URL’s path can have, and no empty segment.');
  const rest = segments.indexOf('{**}');
  if (rest >= 0 && segments.slice(rest + 1).some((segment) => segment.startsWith('{'))) report.error('{**} must be the last template of a path.');
  return undefined;
}

const plainKeys = new Set(['source.ip', 'remote.ip', 'source.namespace', 'source.principal', 'source.serviceAccount', 'source.trustDomain', 'request.auth.principal', 'request.auth.audiences', 'request.auth.presenter', 'destination.ip', 'destination.port', 'connection.sni']);
const keyed = /^(request\.headers|request\.auth\.claims)\[.+\]$|^experimental\.envoy\.filters\..+$/;

function checkCondition({ key, values, notValues }: AuthorizationRule['when'][number], report: Report): void {
  if (key === '') return report.error('The condition has no key.');
  if (!plainKeys.has(key) && !keyed.test(key)) report.at('key').error(`“${key}” is not something that a condition can look at.`, 'Use source.ip, request.headers[NAME], request.auth.claims[NAME] …');
  if (values.length + notValues.length === 0) report.error('The condition has neither values nor notValues.');
  for (const [field, list] of [['values', values], ['notValues', notValues]] as const) {
    each(list, report.at(field), (value, place) => {
      if (value === '') place.error(`${field} has an empty entry.`);
      else if (key.endsWith('.ip')) checkSubnet(value, place);
      else if (key === 'destination.port') checkPortText(value, place);
    });
  }
  return undefined;
}

const identities = ['principals', 'notPrincipals', 'requestPrincipals', 'notRequestPrincipals', 'namespaces', 'notNamespaces', 'serviceAccounts', 'notServiceAccounts'] as const;

/** What an external authorizer cannot be asked about. */
function checkCustom(rule: AuthorizationRule, report: Report): void {
  each(rule.from ?? [], report.at('from'), ({ source }, place) => {
    for (const field of identities) if ((source?.[field].length ?? 0) > 0) place.at('source', field).error(`CUSTOM cannot look at ${field}.`);
  });
  each(rule.when, report.at('when'), ({ key }, place) => {
    if (/^(source\.(namespace|principal|serviceAccount)|request\.auth\.)/.test(key)) place.at('key').error(`CUSTOM cannot look at ${key}.`);
  });
}

function httpOnly({ from, to, when }: AuthorizationRule): boolean {
  const tokens = (from ?? []).some(({ source }) => source !== undefined && source.requestPrincipals.length + source.notRequestPrincipals.length > 0);
  const requests = (to ?? []).some(({ operation }) => operation !== undefined && (['hosts', 'notHosts', 'methods', 'notMethods', 'paths', 'notPaths'] as const).some((field) => operation[field].length > 0));
  return tokens || requests || when.some(({ key }) => key.startsWith('request.'));
}
