import type { HeaderMatcher, StringMatcher } from '../../xds/index.ts';
import { inRange, parseIp, parseRange } from '../ip.ts';
import { headerOf, headerValueTest, pathOnly } from '../route-matcher.ts';
import { compileString } from '../string-matcher.ts';
import { withoutPort } from '../virtual-hosts.ts';
import type { MetadataMatcher } from '../../xds/index.ts';
import { compileMetadata } from './metadata.ts';
import type { AccessFacts, Leaf } from './types.ts';
import { compileTemplate } from './uri-template.ts';

type Cidr = { readonly addressPrefix?: string; readonly prefixLen?: number };

function leaf(subject: string, words: string, actual: Leaf['actual'], holds: Leaf['holds']): Leaf {
  return { subject, words, actual, holds, misses: (facts, catching) => (holds(facts, catching) ? [] : [`${subject} is ${actual(facts)}, not: ${words}`]) };
}

function quoted(value: string | undefined): string {
  return value === undefined || value === '' ? 'missing' : `"${value.length > 200 ? `${value.slice(0, 200)}…` : value}"`;
}

/** Nothing to look at: it always holds. */
export const anyone: Leaf = leaf('anything', 'anything', () => 'anything', () => true);

/** A request header or pseudo-header. Repeated values are joined; when catching, each of them counts by itself too. */
export function headerLeaf(matcher: HeaderMatcher): Leaf {
  const name = (matcher.name ?? '').toLowerCase();
  const subject = name.startsWith(':') ? (name === ':authority' ? 'host' : name.slice(1)) : `header ${name}`;
  const actual = ({ request }: AccessFacts): string => quoted(request === undefined ? undefined : headerOf(request, name));
  const value = headerValueTest(matcher);
  const invert = matcher.invertMatch === true;
  if (value === undefined) {
    const wanted = (matcher.presentMatch ?? true) !== invert;
    return leaf(subject, wanted ? 'present' : 'missing', actual, ({ request }) => request !== undefined && (headerOf(request, name) !== undefined) === wanted);
  }
  const absent = matcher.treatMissingHeaderAsEmpty === true ? '' : undefined;
  return leaf(subject, invert ? `not: ${value.words}` : value.words, actual, ({ request }, catching) => {
    const found = request === undefined ? undefined : (headerOf(request, name) ?? absent);
    if (found === undefined) return false;
    if (invert) return !value.test(found);
    return value.test(found) || (catching && readings(name, found).some(value.test));
  });
}

const none: readonly string[] = [];

/** Other ways in which the next hop may read a value. */
function readings(name: string, value: string): readonly string[] {
  if (name === ':authority' || name === 'host') {
    const host = withoutPort(value);
    const bare = host.endsWith('.') ? host.slice(0, -1) : host;
    return [host, bare, bare + value.slice(host.length)];
  }
  return name.startsWith(':') || !value.includes(',') ? none : value.split(',').map((one) => one.trim());
}

/** The path without query and fragment. */
export function pathLeaf(matcher: StringMatcher): Leaf {
  const { test, words } = compileString(matcher);
  return leaf('path', words, pathFact, (facts, catching) => onPath(facts, catching, test));
}

/** The path by a template. */
export function templateLeaf(template: string): Leaf {
  const test = compileTemplate(template);
  return leaf('path', `fits ${template}`, pathFact, (facts, catching) => onPath(facts, catching, test));
}

function onPath({ request, pathWithFragment }: AccessFacts, catching: boolean, test: (path: string) => boolean): boolean {
  if (request === undefined) return false;
  return test(pathOnly(request.path)) || (catching && pathWithFragment !== undefined && test(pathWithFragment));
}

function pathFact({ request }: AccessFacts): string {
  return quoted(request === undefined ? undefined : pathOnly(request.path));
}

/** An address in a range. */
export function addressLeaf(subject: string, cidr: Cidr, address: (facts: AccessFacts) => string): Leaf {
  const text = `${cidr.addressPrefix ?? ''}/${cidr.prefixLen ?? 0}`;
  const range = parseRange(text);
  return leaf(subject, `in ${text}`, (facts) => address(facts), (facts) => {
    const bytes = parseIp(address(facts));
    return bytes !== undefined && inRange(bytes, range);
  });
}

/** The port that the connection was meant for, from `start` up to, not with, `end`. */
export function portLeaf(start: number, end: number): Leaf {
  return leaf('port', end === start + 1 ? String(start) : `from ${start} to ${end - 1}`, ({ destinationPort }) => String(destinationPort), ({ destinationPort }) => destinationPort >= start && destinationPort < end);
}

/** The server name of TLS. */
export function serverNameLeaf(matcher: StringMatcher): Leaf {
  const { test, words } = compileString(matcher);
  return leaf('server name', words, ({ serverName }) => quoted(serverName), ({ serverName }) => serverName !== '' && test(serverName));
}

/** The verified identity; on plaintext there is none, so that nothing matches. Without a matcher, any identity. */
export function principalLeaf(matcher: StringMatcher | undefined): Leaf {
  const { test, words } = matcher === undefined ? { test: () => true, words: 'any identity' } : compileString(matcher);
  return leaf('principal', words, ({ principal }) => (principal === '' ? 'missing (plaintext)' : quoted(principal)), ({ principal }) => principal !== '' && test(principal));
}

/** What a filter found out, such as the claims of a token. */
export function metadataLeaf(matcher: MetadataMatcher): Leaf {
  const { filter, pick, test, words, subject } = compileMetadata(matcher);
  const value = (facts: AccessFacts): unknown => pick(facts.metadata(filter));
  const actual = (facts: AccessFacts): string => {
    const found = value(facts);
    return found === undefined ? 'missing' : quoted(typeof found === 'string' ? found : JSON.stringify(found));
  };
  return leaf(subject, words, actual, (facts) => test(value(facts)));
}
