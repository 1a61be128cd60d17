import { meshDocument, ofKind, type Resource, type TypedResource } from '../../manifest/index.ts';
import { finding, groupBy, type Analyzer } from '../analyzer.ts';
import { visible } from '../registry.ts';

/** TCP ports of ServiceEntries without addresses: all that is known of a connection is its port. */
export const entryAddresses: Analyzer = {
  name: 'serviceentry.ProtocolAddressesAnalyzer',
  codes: ['IST0134'],
  run: ({ resources }) => (givesAddresses(resources) ? [] : ofKind(resources, 'ServiceEntry')).filter(({ spec }) => spec.addresses.length === 0).flatMap((entry) =>
    entry.spec.ports.flatMap(({ protocol, number }, index) =>
      protocol !== '' && protocol.toUpperCase() !== 'TCP'
        ? []
        : [finding(entry, ['spec', 'ports', index], { code: 'IST0134', level: 'warning', message: `Port ${number} is plain TCP and there are no addresses, so every connection to that port may be taken for ${entry.spec.hosts.join(', ')}.`, help: 'Write addresses, or the protocol (HTTPS, TLS …).' })],
    ),
  ),
};

/** Whether the mesh's proxies answer DNS themselves and give each host an address of its own. Source: istio.io, "DNS Proxying". */
function givesAddresses(resources: readonly Resource[]): boolean {
  const config = meshDocument(resources)['defaultConfig'] as { readonly proxyMetadata?: Readonly<Record<string, unknown>> | null } | null | undefined;
  const on = (name: string): boolean => String(config?.proxyMetadata?.[name]) === 'true';
  return on('ISTIO_META_DNS_CAPTURE') && on('ISTIO_META_DNS_AUTO_ALLOCATE');
}

/** ServiceEntries that give the same port of the same host different protocols. */
export const entryProtocols: Analyzer = {
  name: 'serviceentry.ConflictingServiceEntryProtocolAnalyzer',
  codes: ['IST0177'],
  run: ({ resources }) => {
    const uses = ofKind(resources, 'ServiceEntry').flatMap((entry) => entry.spec.hosts.flatMap((host) => entry.spec.ports.map(({ number, protocol }, index) => ({ entry, host, number, protocol: protocol.toUpperCase(), index }))));
    const found = [...groupBy(uses, ({ host, number }) => `${host}:${number}`).values()].flatMap((group) => group.filter((use) => group.some((other) => other.entry !== use.entry && other.protocol !== use.protocol && meet(use.entry, other.entry))));
    return found.map(({ entry, host, number, index }) => finding(entry, ['spec', 'ports', index], { code: 'IST0177', level: 'warning', message: `Another ServiceEntry gives port ${number} of ${host} a different protocol; only one of them is used.`, help: 'Let them agree.' }));
  },
};

type Entry = TypedResource<'ServiceEntry'>;

function meet(left: Entry, right: Entry): boolean {
  const sees = (entry: Entry, namespace: string): boolean => visible({ exportTo: entry.spec.exportTo, namespace: entry.metadata.namespace }, namespace);
  return sees(left, right.metadata.namespace) || sees(right, left.metadata.namespace);
}
