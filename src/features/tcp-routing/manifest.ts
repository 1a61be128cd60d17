import { z } from 'zod';
import { Destination, Int32, Text, TextList, TextMap, UInt32 } from '../../util/manifest-fields.ts';
import { required, ruled } from '../../util/manifest-rules.ts';

const connection = { destinationSubnets: TextList, port: UInt32.default(0), sourceLabels: TextMap, gateways: TextList, sourceNamespace: Text };

/** What a TCP connection must look like for a rule. Source: istio.io, VirtualService, L4MatchAttributes. */
export const L4MatchAttributes = z.object({ ...connection, sourceSubnet: Text });
export type L4MatchAttributes = z.output<typeof L4MatchAttributes>;

/** What a TLS connection must look like for a rule. Source: istio.io, VirtualService, TLSMatchAttributes. */
export const TLSMatchAttributes = ruled(z.object({ sniHosts: TextList, ...connection }), required('sniHosts'));
export type TLSMatchAttributes = z.output<typeof TLSMatchAttributes>;

/** One weighted destination of connections. */
export const RouteDestination = ruled(z.object({ destination: Destination.exactOptional(), weight: Int32.default(0) }), required('destination'));
export type RouteDestination = z.output<typeof RouteDestination>;

/** A rule for plain connections. */
export const TCPRoute = z.object({ match: z.array(L4MatchAttributes).default([]), route: z.array(RouteDestination).default([]) });
export type TCPRoute = z.output<typeof TCPRoute>;

/** A rule for TLS connections that pass through, by SNI. */
export const TLSRoute = ruled(z.object({ match: z.array(TLSMatchAttributes).default([]), route: z.array(RouteDestination).default([]) }), required('match'));
export type TLSRoute = z.output<typeof TLSRoute>;
