import { compileString } from '../../routing/index.ts';
import type { AskingEnvironment, DownstreamConnection, HttpRequest, OwnResponse } from '../../sidecar/hooks.ts';
import { milliseconds } from '../../util/envoy-json.ts';
import type { CheckRequest, CheckResponse, ExtAuthz, NetworkExtAuthz } from '../../xds/index.ts';
import type { Beginning } from './filter-external-body.ts';
import type { CheckCodec } from './filter-external-codec.ts';
import { unchanged, type Answer, type Changes } from './filter-external-types.ts';

/** Envoy's when a service says none. */
const defaultTimeout = 200;

/** Asks a service by gRPC. Throws on a service that is none of the mesh's clusters. Source: Envoy, service.auth.v3.Authorization. */
export function askByGrpc({ envoyGrpc, timeout }: NonNullable<NetworkExtAuthz['grpcService']>, environment: AskingEnvironment): (question: CheckRequest) => Promise<Answer> {
  if (envoyGrpc === undefined) throw new Error('external authorization needs grpcService.envoyGrpc');
  const { clusterName = '', authority = '' } = envoyGrpc;
  const limit = milliseconds(timeout) ?? defaultTimeout;
  let loading: Promise<CheckCodec> | undefined;
  return async (question) => {
    // Most sidecars never ask: protobuf is read by those that do.
    const codec = await (loading ??= import('./filter-external-codec.ts').then(({ createCheckCodec }) => createCheckCodec()));
    const message = codec.encode(question);
    const body = Buffer.concat([Buffer.from([0]), length(message.length), message]);
    const headers = [['content-type', 'application/grpc'], ['grpc-timeout', `${Math.min(99_999_999, Math.round(limit))}m`], ['content-length', String(body.length)]] as const;
    const answer = await environment.call(clusterName, { method: 'POST', path: '/envoy.service.auth.v3.Authorization/Check', authority: authority === '' ? clusterName : authority, headers, body }, limit, true);
    return 'unanswered' in answer ? { kind: 'failed', why: answer.unanswered } : read(answer, codec);
  };
}

function length(bytes: number): Buffer {
  const written = Buffer.alloc(4);
  written.writeUInt32BE(bytes);
  return written;
}

function read({ status, headers, trailers, body }: OwnResponse, codec: CheckCodec): Answer {
  const code = trailers?.get('grpc-status') ?? headers.get('grpc-status');
  if (status !== 200 || code !== '0') return { kind: 'failed', why: `the call ended with ${status === 200 ? `gRPC status ${code ?? 'missing'}` : status}` };
  if (body.length < 5 || body[0] !== 0 || body.readUInt32BE(1) !== body.length - 5) return { kind: 'failed', why: 'its answer is not one gRPC message' };
  try {
    return judged(codec.decode(body.subarray(5)));
  } catch (error) {
    return { kind: 'failed', why: `its answer does not read: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function judged({ status, okResponse, deniedResponse, dynamicMetadata }: CheckResponse): Answer {
  const code = status?.code ?? 0;
  const said = status?.message ?? '';
  if (code !== 0) {
    const { set, add } = changes(deniedResponse?.headers);
    const http = Number(deniedResponse?.status?.code ?? 403);
    return { kind: 'denied', why: `it answered gRPC status ${code}${said === '' ? '' : ` (${said})`}`, status: http >= 200 && http <= 599 ? http : 403, headers: [...set, ...add], body: Buffer.from(deniedResponse?.body ?? '', 'utf8') };
  }
  const { queryParametersToSet = [], queryParametersToRemove = [] } = okResponse ?? {};
  return {
    kind: 'allowed', why: 'it answered OK', upstream: { ...changes(okResponse?.headers), remove: removable(okResponse?.headersToRemove ?? []) }, downstream: changes(okResponse?.responseHeadersToAdd, 'add'),
    ...(queryParametersToSet.length + queryParametersToRemove.length === 0 ? {} : { parameters: (path) => changedQuery(path, queryParametersToSet, queryParametersToRemove) }),
    ...(dynamicMetadata === undefined ? {} : { metadata: dynamicMetadata }),
  };
}

/** The pseudo-headers and Host stay what they were judged by. */
function removable(names: readonly string[]): readonly string[] {
  return names.map((name) => name.toLowerCase()).filter((name) => name !== 'host' && !name.startsWith(':'));
}

type Options = NonNullable<NonNullable<CheckResponse['okResponse']>['headers']>;

/** What the wire calls OVERWRITE_IF_EXISTS_OR_ADD and OVERWRITE_IF_EXISTS. */
const overwrites: ReadonlySet<unknown> = new Set([2, 3]);

/** A header replaces what is there when its option says so; one whose option says nothing does what `otherwise` says. */
function changes(options: Options = [], otherwise: 'set' | 'add' = 'set'): Changes {
  const how = ({ append, appendAction }: Options[number]): 'set' | 'add' => (append !== undefined ? (append ? 'add' : 'set') : overwrites.has(appendAction) ? 'set' : otherwise);
  const of = (wanted: 'set' | 'add'): (readonly [string, string])[] => options.filter((option) => how(option) === wanted).map(headerOf).filter(writable);
  return { ...unchanged, set: of('set'), add: of('add') };
}

function headerOf({ header = {} }: Options[number]): readonly [string, string] {
  const { key = '', value = '', rawValue } = header;
  return [key.toLowerCase(), (rawValue === undefined ? Buffer.from(value, 'utf8') : Buffer.from(rawValue, 'base64')).toString('latin1')];
}

/** What can stand in a header, and does not frame or route the message. */
function writable([name, value]: readonly [string, string]): boolean {
  return /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) && !/[\r\n\0]/.test(value) && name !== 'host' && name !== 'content-length' && name !== 'transfer-encoding';
}

function changedQuery(path: string, set: readonly { readonly key?: string; readonly value?: string }[], remove: readonly string[]): string {
  const at = path.indexOf('?');
  const query = new URLSearchParams(at < 0 ? '' : path.slice(at + 1));
  for (const name of remove) query.delete(name);
  for (const { key = '', value = '' } of set) query.set(key, value);
  const text = query.toString();
  return `${at < 0 ? path : path.slice(0, at)}${text === '' ? '' : `?${text}`}`;
}

/** What is asked about a request. */
export function requestQuestion({ allowedHeaders, withRequestBody }: ExtAuthz, request: HttpRequest, sent: Beginning | undefined, environment: AskingEnvironment): CheckRequest {
  const { method, path, authority, scheme, headers, body, http2, stream } = request;
  const tests = allowedHeaders?.patterns?.map(compileString);
  const wanted = (name: string): boolean => tests === undefined || tests.some(({ test }) => test(name));
  const names = [...new Set([...headers.entries()].map(([name]) => name))].filter(wanted);
  const shown = Object.fromEntries([
    [':authority', authority], [':method', method], [':path', path], [':scheme', scheme], ...names.map((name) => [name, headers.joined(name) ?? ''] as const),
    ...(sent === undefined ? [] : [['x-envoy-auth-partial-body', String(!sent.whole)] as const]),
  ].filter(([name = '']) => name.startsWith(':') ? wanted(name) : true)) as Readonly<Record<string, string>>;
  const text = sent === undefined ? {} : withRequestBody?.packAsBytes === true ? { rawBody: sent.bytes.toString('base64') } : { body: sent.bytes.toString('utf8') };
  return {
    attributes: {
      ...ends(stream.connection, environment),
      request: {
        time: new Date(environment.clock.now()).toISOString(),
        http: { id: headers.get('x-request-id') ?? '', method, path, host: authority, scheme, headers: shown, size: String(body.length ?? -1), protocol: http2 ? 'HTTP/2' : 'HTTP/1.1', ...text },
      },
    },
  };
}

/** What is asked about a connection that is not HTTP. */
export function connectionQuestion(connection: DownstreamConnection, environment: AskingEnvironment): CheckRequest {
  return { attributes: ends(connection, environment) };
}

function ends({ sourceIp, sourcePort, principal, destinationIp, destinationPort, serverName }: DownstreamConnection, { self }: AskingEnvironment): Pick<CheckRequest['attributes'], 'source' | 'destination' | 'tlsSession'> {
  const address = (ip: string, portValue: number): { socketAddress: { address: string; portValue: number } } => ({ socketAddress: { address: ip, portValue } });
  return {
    source: { address: address(sourceIp, sourcePort), ...(principal === '' ? {} : { principal }) },
    destination: { address: address(destinationIp, destinationPort), ...(principal === '' ? {} : { principal: self }) },
    ...(serverName === '' ? {} : { tlsSession: { sni: serverName } }),
  };
}
