import { expect, test } from 'vitest';
import { compileRedirect } from '../../src/features/redirect/compile.ts';
import { HTTPRedirect } from '../../src/features/redirect/manifest.ts';

test.each<[unknown, boolean, unknown]>([
  [{ uri: '/new' }, false, { pathRedirect: '/new', responseCode: 'MOVED_PERMANENTLY' }],
  [{ uri: '%PREFIX()%/v2' }, false, { prefixRewrite: '/v2', responseCode: 'MOVED_PERMANENTLY' }],
  [{ prefixRewrite: '/v3' }, false, { prefixRewrite: '/v3', responseCode: 'MOVED_PERMANENTLY' }],
  [{ authority: 'b.com', redirectCode: 308 }, false, { hostRedirect: 'b.com', responseCode: 'PERMANENT_REDIRECT' }],
  [{ scheme: 'https', port: 8443 }, false, { schemeRedirect: 'https', portRedirect: 8443, responseCode: 'MOVED_PERMANENTLY' }],
  [{ derivePort: 'FROM_PROTOCOL_DEFAULT' }, true, { portRedirect: 443, responseCode: 'MOVED_PERMANENTLY' }],
  [{ derivePort: 'FROM_PROTOCOL_DEFAULT', scheme: 'http' }, true, { schemeRedirect: 'http', portRedirect: 80, responseCode: 'MOVED_PERMANENTLY' }],
  [{ derivePort: 'FROM_REQUEST_PORT' }, true, { responseCode: 'MOVED_PERMANENTLY' }],
])('%j (TLS %s)', (written, tls, expected) => {
  expect(compileRedirect(HTTPRedirect.parse(written), tls)).toEqual(expected);
});
