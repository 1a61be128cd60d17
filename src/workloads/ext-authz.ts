import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall, type ServiceDefinition } from '@grpc/grpc-js';
import { createFileRegistry, fromBinary, fromJson, toBinary, toJson, type JsonValue } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { authorizationDescriptors } from '../xds/authorization-service.ts';
import type { CheckRequest, CheckResponse } from '../xds/index.ts';
import { serveHttp, text, together, type Running, type StandInContext } from './server.ts';

const header = 'x-ext-authz';
const results = { result: 'x-ext-authz-check-result', received: 'x-ext-authz-check-received', overridden: 'x-ext-authz-additional-header-override' } as const;
const denial = `denied by ext_authz for not found header \`${header}: allow\` in the request`;

/**
 * Istio's sample authorizer: allows what has the header `x-ext-authz: allow`, by HTTP on 8000 and by gRPC on 9000. Like the sample, it says in
 * headers what it decided and what it was asked. `-allow_service_accounts=a,b`: accounts that gRPC allows without the header.
 */
export function extAuthz(context: StandInContext): Promise<Running> {
  return together([byHttp(context), byGrpc(context)]);
}

function byHttp(context: StandInContext): Promise<Running> {
  return serveHttp(context, 8000, ({ method, target, headers, rawHeaders, body }) => {
    const asked = `${method} ${headers.host ?? ''}${target}, headers: ${JSON.stringify(Object.fromEntries(rawHeaders))}, body: [${body.toString('utf8')}]`;
    const allowed = headers[header] === 'allow';
    context.log(`[HTTP][${allowed ? 'allowed' : 'denied '}]: ${asked}`);
    const override = headers[results.overridden];
    const told = { [results.result]: allowed ? 'allowed' : 'denied', [results.received]: oneLine(asked), [results.overridden]: typeof override === 'string' ? override : '' };
    return { ...text(allowed ? 200 : 403, allowed ? '' : denial), headers: told };
  });
}

/** A header's value stays on its line, in ASCII. */
function oneLine(value: string): string {
  return value.replace(/[^\x20-\x7e]+/g, ' ');
}

/** The service `envoy.service.auth.v3.Authorization`, without TLS. */
async function byGrpc(context: StandInContext): Promise<Running> {
  const accounts = new Set(context.args.flatMap((arg) => /^-{1,2}allow_service_accounts?=(.*)$/.exec(arg)?.[1]?.split(',') ?? []));
  const server = new Server();
  server.addService(service(), { Check: ({ request }: ServerUnaryCall<CheckRequest, CheckResponse>, reply: sendUnaryData<CheckResponse>) => { reply(null, decide(context, accounts, request)); } });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`0.0.0.0:${context.listenPort(9000)}`, ServerCredentials.createInsecure(), (error, bound) => { if (error === null) resolve(bound); else reject(error); });
  });
  context.log('listening on 9000');
  return { ports: new Map([[9000, port]]), stop: () => { server.forceShutdown(); return Promise.resolve(); } };
}

function decide(context: StandInContext, accounts: ReadonlySet<string>, { attributes }: CheckRequest): CheckResponse {
  const http = attributes.request?.http;
  const account = /\/sa\/([^/]+)$/.exec(attributes.source.principal ?? '')?.[1] ?? '';
  const allowed = http?.headers[header] === 'allow' || accounts.has(account);
  const asked = JSON.stringify(attributes);
  context.log(`[gRPCv3][${allowed ? 'allowed' : 'denied '}]: ${http?.host ?? ''}${http?.path ?? ''}, attributes: ${asked}`);
  const headers = [
    { header: { key: results.result, value: allowed ? 'allowed' : 'denied' } }, { header: { key: results.received, value: oneLine(asked) } },
    { header: { key: results.overridden, value: 'grpc-additional-header-override-value' } },
  ];
  return allowed ? { status: { code: 0 }, okResponse: { headers } } : { status: { code: 7 }, deniedResponse: { status: { code: 403 }, body: denial, headers } };
}

function service(): ServiceDefinition {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, Buffer.from(authorizationDescriptors, 'base64')));
  const message = (name: string): { readonly read: (bytes: Buffer) => JsonValue; readonly write: (json: JsonValue) => Buffer } => {
    const schema = registry.getMessage(`envoy.service.auth.v3.${name}`);
    if (schema === undefined) throw new Error(`There is no message ${name}.`);
    return { read: (bytes) => toJson(schema, fromBinary(schema, bytes)), write: (json) => Buffer.from(toBinary(schema, fromJson(schema, json))) };
  };
  const [request, response] = [message('CheckRequest'), message('CheckResponse')];
  return {
    Check: {
      path: '/envoy.service.auth.v3.Authorization/Check', requestStream: false, responseStream: false,
      requestSerialize: request.write, requestDeserialize: request.read, responseSerialize: response.write, responseDeserialize: response.read,
    },
  };
}
