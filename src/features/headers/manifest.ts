import { z } from 'zod';
import { TextList, TextMap } from '../../util/manifest-fields.ts';

/** Header changes in one direction: `set` overwrites, `add` appends, `remove` deletes. */
export const HeaderOperations = z.object({ set: TextMap, add: TextMap, remove: TextList });
export type HeaderOperations = z.output<typeof HeaderOperations>;

/** Header changes of a rule or a destination. Source: istio.io, VirtualService, Headers. */
export const Headers = z.object({ request: HeaderOperations.exactOptional(), response: HeaderOperations.exactOptional() });
export type Headers = z.output<typeof Headers>;
