import { parseManifests, validate } from '../../src/manifest/index.ts';

/** Istio's unit tests of single values, put into the field of a resource where people would write them. */
type Resource = { readonly kind: string; readonly spec: object; readonly namespace?: string };
const rule = (extra: object): Resource => ({ kind: 'VirtualService', spec: { hosts: ['foo.bar'], http: [{ route: [{ destination: { host: 'foo.baz' } }], ...extra }] } });
const destinationRule = (spec: object): Resource => ({ kind: 'DestinationRule', spec: { host: 'foo.baz', ...spec } });

const wrap: Readonly<Record<string, (input: Readonly<Record<string, unknown>>) => Resource>> = {
  TestValidateMaxServerConnectionAge: ({ duration }) => destinationRule({ trafficPolicy: { connectionPool: { tcp: { maxConnectionDuration: duration } } } }),
  TestStrictValidateHTTPHeaderName: ({ name }) => rule({ headers: { request: { set: { [String(name)]: 'x' } } } }),
  TestValidateHTTPHeaderName: ({ name }) => rule({ headers: { request: { set: { [String(name)]: 'x' } } } }),
  TestValidateHTTPHeaderValue: ({ input }) => rule({ headers: { request: { set: { 'x-name': input } } } }),
  TestValidateHTTPStatus: (input) => rule({ fault: { abort: { httpStatus: input['in'] } } }),
  TestValidatePortName: ({ name }) => ({ kind: 'ServiceEntry', spec: { hosts: ['foo.bar'], resolution: 'DNS', ports: [{ number: 80, protocol: 'HTTP', name }] } }),
  Test_validateExportTo: ({ exportTo, namespace, isServiceEntry, isDestinationRuleWithSelector }) => {
    const own = { namespace: String(namespace) };
    if (isServiceEntry === true) return { ...own, kind: 'ServiceEntry', spec: { hosts: ['foo.bar'], resolution: 'DNS', ports: [{ number: 80, protocol: 'HTTP', name: 'http' }], exportTo } };
    return { ...own, ...destinationRule({ exportTo, ...(isDestinationRuleWithSelector === true && { workloadSelector: { matchLabels: { app: 'foo' } } }) }) };
  },
};

/** Whether our admission accepts the value; `undefined` when we have no field for it. */
export function admits(test: string, input: Readonly<Record<string, unknown>>): boolean | undefined {
  const resource = wrap[test]?.(input);
  if (resource === undefined) return undefined;
  const body = { apiVersion: 'networking.istio.io/v1', kind: resource.kind, metadata: { name: 'case', namespace: resource.namespace ?? 'bar' }, spec: resource.spec };
  const { resources, diagnostics } = parseManifests([{ path: 'case.yaml', text: JSON.stringify(body) }]);
  return ![...diagnostics, ...resources.flatMap(validate)].some(({ level }) => level === 'error');
}
