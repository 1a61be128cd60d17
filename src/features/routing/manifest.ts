import { z } from 'zod';
import { Destination, Flag, Int32, StringMatch, Text, TextList, TextMap, UInt32 } from '../../util/manifest-fields.ts';

/** What a request must look like for a rule. Source: istio.io, VirtualService, HTTPMatchRequest. */
export const HTTPMatchRequest = z.object({
  name: Text,
  uri: StringMatch.exactOptional(),
  scheme: StringMatch.exactOptional(),
  method: StringMatch.exactOptional(),
  authority: StringMatch.exactOptional(),
  headers: z.record(z.string(), StringMatch).default({}),
  port: UInt32.default(0),
  sourceLabels: TextMap,
  gateways: TextList,
  queryParams: z.record(z.string(), StringMatch).default({}),
  ignoreUriCase: Flag,
  withoutHeaders: z.record(z.string(), StringMatch).default({}),
  sourceNamespace: Text,
  statPrefix: Text,
});
export type HTTPMatchRequest = z.output<typeof HTTPMatchRequest>;

/** One weighted destination of a rule. */
export const WeightedDestination = z.object({ destination: Destination.exactOptional(), weight: Int32.default(0) });
export type WeightedDestination = z.output<typeof WeightedDestination>;

/** The VirtualService that a rule hands over to. */
export const Delegate = z.object({ name: Text, namespace: Text });
export type Delegate = z.output<typeof Delegate>;
