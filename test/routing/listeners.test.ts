import { describe, expect, test } from 'vitest';
import { prepareListeners, type ConnectionFacts } from '../../src/routing/index.ts';
import type { FilterChain, Listener } from '../../src/xds/index.ts';

const facts = (more: Partial<ConnectionFacts> = {}): ConnectionFacts => ({ destinationIp: '10.0.0.1', destinationPort: 80, sourceIp: '10.0.0.9', transportProtocol: 'raw_buffer', applicationProtocols: [], ...more });
const at = (name: string, address: string, port: number, more: Partial<Listener> = {}): Listener => ({ name, address: { socketAddress: { address, portValue: port } }, filterChains: [{ name: `${name} chain` }], ...more });

describe('original destination', () => {
  const table = prepareListeners([
    at('virtualOutbound', '0.0.0.0', 15001, { useOriginalDst: true }),
    at('0.0.0.0_80', '0.0.0.0', 80, { bindToPort: false }),
    at('10.0.0.1_80', '10.0.0.1', 80, { bindToPort: false }),
  ]);
  test.each([['10.0.0.1', 80, '10.0.0.1_80'], ['10.0.0.2', 80, '0.0.0.0_80'], ['10.0.0.2', 81, 'virtualOutbound']])('%s:%d goes to %s', (destinationIp, destinationPort, name) => {
    expect(table.match(15001, facts({ destinationIp, destinationPort })).listener?.name).toBe(name);
  });
  test('nothing listens on another port', () => {
    expect(table.match(80, facts()).kind).toBe('no-listener');
  });
});

describe('filter chain', () => {
  const chain = (name: string, filterChainMatch: FilterChain['filterChainMatch']): FilterChain => ({ name, filterChainMatch: filterChainMatch ?? {} });
  const table = prepareListeners([at('in', '0.0.0.0', 15006, {
    defaultFilterChain: { name: 'default' },
    filterChains: [
      chain('mtls', { destinationPort: 80, transportProtocol: 'tls', applicationProtocols: ['istio', 'istio-h2'] }),
      chain('plain', { destinationPort: 80, transportProtocol: 'raw_buffer' }),
      chain('sni', { destinationPort: 443, serverNames: ['a.example.com'] }),
      chain('wild', { destinationPort: 443, serverNames: ['*.example.com'] }),
      chain('net', { prefixRanges: [{ addressPrefix: '10.0.0.0', prefixLen: 8 }] }),
      chain('narrow', { prefixRanges: [{ addressPrefix: '10.1.0.0', prefixLen: 16 }] }),
    ],
  })]);
  test.each<[Partial<ConnectionFacts>, string]>([
    [{ transportProtocol: 'tls', applicationProtocols: ['http/1.1', 'istio'] }, 'mtls'],
    [{}, 'plain'],
    [{ transportProtocol: 'tls', applicationProtocols: ['h2'] }, 'default'],
    [{ destinationPort: 443, transportProtocol: 'tls', serverName: 'A.example.com' }, 'sni'],
    [{ destinationPort: 443, transportProtocol: 'tls', serverName: 'x.y.example.com' }, 'wild'],
    [{ destinationPort: 443, transportProtocol: 'tls', serverName: 'example.com' }, 'default'],
    [{ destinationPort: 90 }, 'net'],
    [{ destinationPort: 90, destinationIp: '10.1.2.3' }, 'narrow'],
    [{ destinationPort: 90, destinationIp: '11.1.2.3' }, 'default'],
    [{ destinationPort: 90, destinationIp: '::ffff:10.1.2.3' }, 'narrow'],
  ])('%j → %s', (more, name) => {
    expect(table.match(15006, facts(more))).toMatchObject({ kind: 'chain', chain: { name } });
  });

  test('explain says what each loser wanted', () => {
    const match = table.match(15006, facts({ destinationPort: 90, destinationIp: '11.1.2.3' }), true);
    expect(match.rejected[0]).toEqual({ what: 'filter chain mtls', why: 'wants destination port 80, but it is 90' });
  });

  test('two chains for the same connections reject the listener', () => {
    expect(() => prepareListeners([at('x', '0.0.0.0', 1, { filterChains: [chain('a', {}), chain('b', {})] })])).toThrow('same matching rules');
  });
});

test('inspectors are switched off by port', () => {
  const listener = at('in', '0.0.0.0', 15006, { listenerFilters: [
    { name: 'envoy.filters.listener.tls_inspector' },
    { name: 'envoy.filters.listener.http_inspector', filterDisabled: { orMatch: { rules: [{ destinationPortRange: { start: 70, end: 71 } }] } } },
  ] });
  const prepared = prepareListeners([listener]).find(15006, '10.0.0.1', 70);
  expect(prepared?.inspects(70)).toEqual({ tls: true, http: false });
  expect(prepared?.inspects(71)).toEqual({ tls: true, http: true });
});
