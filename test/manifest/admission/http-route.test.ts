import { describe } from 'vitest';
import { networking, table } from './table.ts';

const kind = { apiVersion: networking, kind: 'VirtualService' };
const route = [{ destination: { host: 'cart' } }];
const http = (fields: object): object => ({ hosts: ['cart.shop'], http: [{ route, ...fields }] });

describe('header operations', () => {
  const headers = (fields: object): object => http({ headers: fields });
  const own = (fields: object): object => ({ hosts: ['a'], http: [{ route: [{ destination: { host: 'a' }, headers: fields }] }] });
  table(kind, [
    ['an authority set', headers({ request: { set: { ':authority': 'a.b' } } }), 'ok'],
    ['a host added', headers({ request: { add: { host: 'a.b' } } }), 'ok'],
    ['an authority on a response', headers({ response: { set: { ':authority': 'a.b' } } }), 'bad'],
    ['a host on a response', headers({ response: { add: { Host: 'a.b' } } }), 'bad'],
    ['a path set', headers({ request: { set: { ':path': '/' } } }), 'bad'],
    ['a method added', own({ request: { add: { ':method': 'GET' } } }), 'bad'],
    ['an authority removed', headers({ request: { remove: [':authority'] } }), 'bad'],
    ['a host removed', own({ request: { remove: ['HOST'] } }), 'bad'],
    ['nothing removed', headers({ request: { remove: [''] } }), 'bad'],
    ['a name that is empty', own({ request: { set: { '': 'a' } } }), 'bad'],
    ['an empty value', headers({ request: { set: { a: '' } } }), 'ok'],
    ['a variable', headers({ request: { set: { a: 'from %DOWNSTREAM_REMOTE_ADDRESS%' } } }), 'ok'],
    ['a variable of a header', headers({ request: { set: { a: '%REQ(:path):10%' } } }), 'ok'],
    ['a lone percent sign', own({ response: { add: { a: '50%' } } }), 'bad'],
    ['a doubled percent sign', own({ response: { add: { a: '50%%' } } }), 'ok'],
    ['authority by rewrite and by header', http({ rewrite: { authority: 'a.b' }, headers: { request: { set: { ':authority': 'c.d' } } } }), 'bad'],
    ['authority by rewrite and by the destination’s header', { hosts: ['a'], http: [{ rewrite: { authority: 'a.b' }, route: [{ destination: { host: 'a' }, headers: { request: { add: { Host: 'c.d' } } } }] }] }, 'bad'],
    ['authority set and added', headers({ request: { set: { host: 'a' }, add: { ':authority': 'b' } } }), 'bad'],
    ['authority by rule and by destination', { hosts: ['a'], http: [{ headers: { request: { set: { host: 'x' } } }, route: [{ destination: { host: 'a' }, headers: { request: { set: { host: 'c.d' } } } }] }] }, 'ok'],
    ['a rewritten path and an authority', http({ rewrite: { uri: '/' }, headers: { request: { set: { ':authority': 'c.d' } } } }), 'ok'],
  ]);
});

describe('CORS', () => {
  const cors = (fields: object): object => http({ corsPolicy: fields });
  table(kind, [
    ['all origins', cors({ allowOrigins: [{ exact: '*' }] }), 'ok'],
    ['an origin that is empty', cors({ allowOrigins: [{ exact: '' }] }), 'bad'],
    ['an origin that says nothing', cors({ allowOrigins: [{}] }), 'bad'],
    ['an empty prefix', cors({ allowOrigins: [{ prefix: '' }] }), 'bad'],
    ['an empty regex', cors({ allowOrigins: [{ regex: '' }] }), 'bad'],
    ['a regex', cors({ allowOrigins: [{ regex: 'https://.*[.]example[.]com' }] }), 'ok'],
    ['a broken regex', cors({ allowOrigins: [{ regex: '*' }] }), 'bad'],
    ['PATCH', cors({ allowMethods: ['PATCH'] }), 'ok'],
    ['a method in lower case', cors({ allowMethods: ['get'] }), 'bad'],
    ['a method that nobody knows', cors({ allowMethods: ['BREW'] }), 'bad'],
    ['a header without a name', cors({ allowHeaders: [''] }), 'bad'],
    ['a header with a colon', cors({ exposeHeaders: ['a:b'] }), 'bad'],
    ['an age of a second and a half', cors({ maxAge: '1.5s' }), 'bad'],
    ['an age of a day', cors({ maxAge: '24h' }), 'ok'],
  ]);
});

describe('faults', () => {
  const delay = (fields: object): object => http({ fault: { delay: fields } });
  const abort = (fields: object): object => http({ fault: { abort: fields } });
  table(kind, [
    ['nothing', http({ fault: {} }), 'bad'],
    ['a fixed delay', delay({ fixedDelay: '3s', percentage: { value: 0.1 } }), 'ok'],
    ['a delay below a millisecond', delay({ fixedDelay: '500us' }), 'bad'],
    ['a delay that is negative', delay({ fixedDelay: '-1s' }), 'bad'],
    ['an exponential delay', delay({ exponentialDelay: '1s' }), 'bad'],
    ['101 percent', delay({ fixedDelay: '1s', percentage: { value: 101 } }), 'bad'],
    ['percent 101, the old way', delay({ fixedDelay: '1s', percent: 101 }), 'bad'],
    ['a share that is too fine', abort({ httpStatus: 500, percentage: { value: 0.00001 } }), 'bad'],
    ['status 600', abort({ httpStatus: 600 }), 'ok'],
    ['status 601', abort({ httpStatus: 601 }), 'bad'],
    ['status 0', abort({ httpStatus: 0 }), 'bad'],
    ['a gRPC status', abort({ grpcStatus: 'UNAVAILABLE' }), 'ok'],
    ['a gRPC status that nobody knows', abort({ grpcStatus: 'BROKEN' }), 'bad'],
    ['a gRPC status in lower case', abort({ grpcStatus: 'unavailable' }), 'bad'],
    ['an HTTP/2 error', abort({ http2Error: 'REFUSED' }), 'bad'],
    ['two statuses', abort({ httpStatus: 500, grpcStatus: 'INTERNAL' }), 'bad'],
  ]);
});

describe('retries and rewrites', () => {
  const retries = (fields: object): object => http({ retries: fields });
  const rewrite = (fields: object): object => http({ rewrite: fields });
  table(kind, [
    ['no attempts', retries({ attempts: 0 }), 'ok'],
    ['no attempts, but conditions', retries({ attempts: 0, retryOn: '5xx' }), 'bad'],
    ['no attempts, but localities', retries({ attempts: 0, retryRemoteLocalities: false }), 'bad'],
    ['conditions and a status', retries({ attempts: 2, retryOn: 'connect-failure,refused-stream,503' }), 'ok'],
    ['gRPC conditions', retries({ attempts: 2, retryOn: 'cancelled,deadline-exceeded,internal,resource-exhausted,unavailable' }), 'ok'],
    ['an empty condition', retries({ attempts: 2, retryOn: '5xx,,reset' }), 'bad'],
    ['a status that nobody registered', retries({ attempts: 2, retryOn: '599' }), 'bad'],
    ['a condition that nobody knows', retries({ attempts: 2, retryOn: 'sometimes' }), 'bad'],
    ['a try below a millisecond', retries({ attempts: 2, perTryTimeout: '100us' }), 'bad'],
    ['a pause', retries({ attempts: 2, backoff: '25ms' }), 'ok'],
    ['nothing', rewrite({}), 'bad'],
    ['a path and a regex', rewrite({ uri: '/', uriRegexRewrite: { match: 'a', rewrite: 'b' } }), 'bad'],
    ['a regex', rewrite({ uriRegexRewrite: { match: '^/a/([^/]+)(/.*)?$', rewrite: '/b/\\1' } }), 'ok'],
    ['a regex without what it becomes', rewrite({ uriRegexRewrite: { match: 'a' } }), 'bad'],
    ['a regex that RE2 has not', rewrite({ uriRegexRewrite: { match: '(a)\\1', rewrite: 'b' } }), 'bad'],
  ]);
});
