import type { TypedResource } from '../guards.ts';
import type { JWTRule } from '../../features/jwt/manifest.ts';
import { checkKeys } from './json-web-keys.ts';
import { checkDuration, checkSelector } from './names.ts';
import { each, type Report } from './report.ts';
import { checkTargets } from './targets.ts';

/** Istio's admission rules for a RequestAuthentication. */
export function validateRequestAuthentication(resource: TypedResource<'RequestAuthentication'>, report: Report): void {
  checkTargets(resource.spec, report);
  each(resource.spec.jwtRules, report.at('jwtRules'), checkRule);
}

const headerName = /^[-_A-Za-z0-9]+$/;

function checkRule(rule: JWTRule, report: Report): void {
  const uri = rule.jwksUri || rule.jwks_uri;
  if (uri !== '' && rule.jwks !== '') report.error('Keys come from jwks or from jwksUri, not both.');
  if (uri !== '') checkUri(uri, report.at('jwksUri'));
  if (rule.jwks !== '') checkKeys(rule.jwks, report.at('jwks'));
  for (const field of ['audiences', 'fromParams', 'fromCookies', 'spaceDelimitedClaims'] as const) {
    each(rule[field], report.at(field), (value, place) => {
      if (value === '') place.error(`${field} has an empty entry.`);
    });
  }
  each(rule.fromHeaders, report.at('fromHeaders'), ({ name }, place) => {
    if (name === '') place.error('The header has no name.');
  });
  each(rule.outputClaimToHeaders, report.at('outputClaimToHeaders'), ({ header, claim }, place) => {
    if (claim === '') place.error('The claim has no name.');
    if (!headerName.test(header)) place.at('header').error(header === '' ? 'The header has no name.' : `“${header}” is not a header name.`);
  });
  checkDuration(rule.timeout, report.at('timeout'));
}

function checkUri(uri: string, report: Report): void {
  const match = /^https?:\/\/(?:\[[0-9a-fA-F:.]+\]|[^\s/:?#@[\]]+)(?::([^/?#]*))?(?:[/?#]\S*)?$/.exec(uri);
  if (match === null) report.error(`“${uri.slice(0, 100)}” is not an http or https URL.`);
  else if (match[1] !== undefined && !(/^\d{1,5}$/.test(match[1]) && Number(match[1]) >= 1 && Number(match[1]) <= 65535)) report.error(`“${match[1]}” is not a port.`);
}

/** Istio's admission rules for a ProxyConfig. */
export function validateProxyConfig(resource: TypedResource<'ProxyConfig'>, report: Report): void {
  const { concurrency, selector } = resource.spec;
  if (concurrency !== undefined && concurrency < 0) report.at('concurrency').error('concurrency cannot be negative.');
  if (selector !== undefined) checkSelector(selector.matchLabels, report.at('selector', 'matchLabels'));
}
