import { RE2JS } from 're2js';
import ipaddr from 'ipaddr.js';
import type { Report } from './report.ts';

const label = /^[a-zA-Z0-9](?:[-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$/;
const wildcardLabel = /^(?:\*|(?:\*-?)?[a-zA-Z0-9](?:[-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?)$/;
const qualified = /^(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

/** Whether a word is a DNS label (RFC 1123), such as a namespace or a port's name. */
export function isLabel(word: string): boolean {
  return label.test(word);
}

/** Whether a text is an IP address. */
export function isIp(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || (text.includes(':') && ipaddr.IPv6.isValid(text));
}

/** Whether a text is an IP address or a subnet such as `10.0.0.0/8`. */
export function isSubnet(text: string): boolean {
  return isIp(text) || ipaddr.isValidCIDR(text);
}

/** What is wrong with a fully qualified name; `undefined` when it is one. A trailing dot is accepted. */
export function domainFault(name: string): string | undefined {
  if (name === '') return 'is empty';
  if (name.length > 255) return 'is longer than 255 characters';
  const labels = name.replace(/\.$/, '').split('.');
  if (/^\d+$/.test(labels.at(-1) ?? '')) return 'ends in a number, so it is not a domain';
  return labels.every(isLabel) ? undefined : 'is not a domain name';
}

/** As {@link domainFault}, for names whose first label may be `*` or start with it. */
export function wildcardDomainFault(name: string): string | undefined {
  if (name === '') return 'is empty';
  if (name.length > 255) return 'is longer than 255 characters';
  const dot = name.indexOf('.');
  const first = dot < 0 ? name : name.slice(0, dot);
  if (!wildcardLabel.test(first)) return 'is not a domain name; a * may only come first';
  return dot < 0 || dot === name.length - 1 ? undefined : domainFault(name.slice(dot + 1));
}

/** Reports a port that is not from 1 to 65535. */
export function checkPort(port: number, report: Report): void {
  if (port < 1 || port > 65535) report.error(`Port ${port} is not from 1 to 65535.`);
}

/** Reports a `unix://` address whose path is neither that of a file nor abstract. */
export function checkSocket(address: string, report: Report): void {
  const path = address.slice('unix://'.length);
  if (path.startsWith('@')) return;
  if (!path.startsWith('/')) report.error('A unix socket’s path must be absolute, or abstract with @.');
  else if (path.endsWith('/')) report.error('A unix socket’s path cannot end with a slash.');
}

/** What is wrong with a label's key or value as Kubernetes sees it. */
export function labelFault(key: string, value: string): string | undefined {
  const slash = key.lastIndexOf('/');
  const name = key.slice(slash + 1);
  if (key === '') return 'A label’s key is empty.';
  if (!qualified.test(name) || name.length > 63) return `“${key}” is not a label key.`;
  if (slash >= 0 && domainFault(key.slice(0, slash)) !== undefined) return `“${key}” is not a label key: what stands before the slash must be a domain.`;
  if (value !== '' && (!qualified.test(value) || value.length > 63)) return `“${value}” is not a label value.`;
  return undefined;
}

/** Reports labels that Kubernetes would refuse. */
export function checkLabels(labels: Readonly<Record<string, string>>, report: Report): void {
  for (const [key, value] of Object.entries(labels)) {
    const fault = labelFault(key, value);
    if (fault !== undefined) report.at(key).error(fault);
  }
}

/** Reports a selector that {@link checkExact} refuses, and warns of one without labels. */
export function checkSelector(labels: Readonly<Record<string, string>>, report: Report): void {
  checkExact(labels, report);
  if (Object.keys(labels).length === 0) report.warning('The selector has no labels, so it chooses every workload.', 'Leave it out if that is meant.');
}

/** Reports labels of a selector with wildcards, which Istio does not have, or without a key. */
export function checkExact(labels: Readonly<Record<string, string>>, report: Report): void {
  for (const [key, value] of Object.entries(labels)) {
    if (key.includes('*') || value.includes('*')) report.at(key).error('A selector compares labels exactly; wildcards have no meaning in it.');
    else if (key === '') report.error('A selector’s label has an empty key.');
  }
}

/** Reports a duration that is shorter than a millisecond or finer than one. */
export function checkDuration(milliseconds: number | undefined, report: Report, { zero = false }: { readonly zero?: boolean } = {}): void {
  if (milliseconds === undefined || (zero && milliseconds === 0)) return;
  if (milliseconds < 1) report.error('The duration must be at least 1ms.');
  else if (Math.abs(milliseconds - Math.round(milliseconds)) > 1e-7) report.error('The duration may not be finer than a millisecond.');
}

/** Reports a regular expression that RE2 does not compile. */
export function checkRegex(pattern: string, report: Report): void {
  if (pattern.length > 1024) return report.error('The regular expression is longer than 1024 characters.');
  try {
    RE2JS.compile(pattern);
  } catch (error) {
    report.error(`The regular expression does not compile: ${error instanceof Error ? error.message : String(error)}.`, 'Envoy uses RE2: no look-around and no back-references.');
  }
}

/** Reports a namespace that is written and none. */
export function checkNamespace(namespace: string, report: Report): void {
  if (namespace !== '' && !isLabel(namespace)) report.error(`“${namespace}” is not a namespace.`);
}

/** Whether `wildcard` covers `name`: equal, or a suffix of it after the `*`. */
export function covers(wildcard: string, name: string): boolean {
  if (wildcard === '*') return true;
  if (!wildcard.startsWith('*')) return wildcard === name;
  const suffix = wildcard.slice(1);
  return name.startsWith('*') ? name.slice(1).endsWith(suffix) : name.endsWith(suffix) && name.length > suffix.length;
}

/** Whether two hosts, wildcards or not, can mean the same name. */
export function overlap(left: string, right: string): boolean {
  return covers(left, right) || covers(right, left);
}
