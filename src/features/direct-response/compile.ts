import type { DirectResponseAction } from '../../xds/index.ts';
import type { HTTPDirectResponse } from './manifest.ts';

/** An answer given by the proxy itself. */
export function compileDirectResponse({ status, body }: HTTPDirectResponse): DirectResponseAction {
  switch (body?.kind) {
    case 'string': return { status, body: { inlineString: body.value } };
    case 'bytes': return { status, body: { inlineBytes: body.value } };
    default: return { status };
  }
}
