import { expect, test } from 'vitest';
import { compileFault } from '../../src/features/fault/compile.ts';
import { HTTPFaultInjection } from '../../src/features/fault/manifest.ts';

const type = { '@type': 'type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault' };

test.each<[string, unknown, unknown]>([
  ['a delay of a tenth of a percent', { delay: { fixedDelay: '7s', percentage: { value: 0.1 } } }, { ...type, delay: { fixedDelay: '7s', percentage: { numerator: 1000, denominator: 'MILLION' } } }],
  ['an abort', { abort: { httpStatus: 555, percentage: { value: 100 } } }, { ...type, abort: { httpStatus: 555, percentage: { numerator: 1_000_000, denominator: 'MILLION' } } }],
  ['a gRPC status by name', { abort: { grpcStatus: 'UNAVAILABLE', percentage: { value: 50 } } }, { ...type, abort: { grpcStatus: 14, percentage: { numerator: 500_000, denominator: 'MILLION' } } }],
  ['the older percent', { delay: { fixedDelay: '1s', percent: 20 } }, { ...type, delay: { fixedDelay: '1s', percentage: { numerator: 200_000, denominator: 'MILLION' } } }],
  ['no share means nobody', { abort: { httpStatus: 500 } }, { ...type, abort: { httpStatus: 500, percentage: { numerator: 0, denominator: 'MILLION' } } }],
  ['nothing', {}, undefined],
])('%s', (_name, written, expected) => {
  expect(compileFault(HTTPFaultInjection.parse(written))).toEqual(expected);
});
