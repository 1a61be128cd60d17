import { expect, test } from 'vitest';
import { discoveryType, resolutionOf } from '../../src/features/service-entry/compile.ts';
import { ServiceEntry } from '../../src/features/service-entry/manifest.ts';

test.each([['STATIC', 'EDS', 'EDS'], ['DNS', 'STRICT_DNS', 'STRICT_DNS'], ['DNS_ROUND_ROBIN', 'LOGICAL_DNS', 'LOGICAL_DNS'], ['NONE', 'ORIGINAL_DST', 'EDS']])('%s is %s for a sidecar and %s for a gateway', (resolution, sidecar, gateway) => {
  const known = resolutionOf(ServiceEntry.parse({ hosts: ['a.com'], resolution }));
  expect([discoveryType(known, false), discoveryType(known, true)]).toEqual([sidecar, gateway]);
});
