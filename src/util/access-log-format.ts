/** One command operator of Envoy's access log: `%REQ(X?Y):Z%`. */
export interface LogOperator {
  readonly name: string;
  /** What stands in its parentheses. */
  readonly argument: string;
  /** How many characters of the value are written at most. */
  readonly length: number;
}

/** A format in parts: text as it is, and operators. */
export type LogTemplate = readonly (string | LogOperator)[];

/** A JSON format: templates by key, in maps and lists; other values are written as they are. */
export type JsonTemplate = LogTemplate | JsonTemplateMap | { readonly list: readonly JsonTemplate[] } | { readonly value: number | boolean | null };
export interface JsonTemplateMap { readonly fields: readonly (readonly [string, JsonTemplate])[] }

/** Operators that need an argument, may have one, or take none. Source: Envoy, "Access logging", Command Operators. */
const required = ['REQ', 'RESP', 'TRAILER', 'DYNAMIC_METADATA', 'CLUSTER_METADATA', 'UPSTREAM_METADATA', 'FILTER_STATE', 'UPSTREAM_FILTER_STATE', 'ENVIRONMENT', 'METADATA', 'QUERY_PARAM', 'COMMON_DURATION', 'REQUEST_HEADER', 'RESPONSE_HEADER'];
const optional = ['START_TIME', 'START_TIME_LOCAL', 'EMIT_TIME', 'EMIT_TIME_LOCAL', 'DOWNSTREAM_PEER_CERT_V_START', 'DOWNSTREAM_PEER_CERT_V_END', 'UPSTREAM_PEER_CERT_V_START', 'UPSTREAM_PEER_CERT_V_END', 'GRPC_STATUS', 'PATH', 'TRACE_ID', 'RESPONSE_FLAGS', 'REQUESTED_SERVER_NAME', 'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT', 'DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT', 'UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT', 'DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT', 'COALESCE'];
const plain = [
  'PROTOCOL', 'UPSTREAM_PROTOCOL', 'RESPONSE_CODE', 'RESPONSE_CODE_DETAILS', 'RESPONSE_FLAGS_LONG', 'CONNECTION_TERMINATION_DETAILS', 'REQUEST_DURATION', 'REQUEST_TX_DURATION', 'RESPONSE_DURATION', 'RESPONSE_TX_DURATION',
  'DOWNSTREAM_HANDSHAKE_DURATION', 'ROUNDTRIP_DURATION', 'DURATION', 'BYTES_RECEIVED', 'BYTES_SENT', 'BYTES_RETRANSMITTED', 'PACKETS_RETRANSMITTED', 'UPSTREAM_WIRE_BYTES_SENT', 'UPSTREAM_WIRE_BYTES_RECEIVED', 'UPSTREAM_HEADER_BYTES_SENT', 'UPSTREAM_HEADER_BYTES_RECEIVED',
  'UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT', 'UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED', 'DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT', 'DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED', 'DOWNSTREAM_WIRE_BYTES_SENT', 'DOWNSTREAM_WIRE_BYTES_RECEIVED', 'DOWNSTREAM_HEADER_BYTES_SENT', 'DOWNSTREAM_HEADER_BYTES_RECEIVED',
  'UPSTREAM_REQUEST_ATTEMPT_COUNT', 'UPSTREAM_TLS_CIPHER', 'UPSTREAM_TLS_VERSION', 'UPSTREAM_TLS_SESSION_ID', 'UPSTREAM_PEER_ISSUER', 'UPSTREAM_PEER_CERT', 'UPSTREAM_PEER_SUBJECT', 'UPSTREAM_PEER_URI_SAN', 'UPSTREAM_PEER_DNS_SAN', 'UPSTREAM_PEER_IP_SAN', 'UPSTREAM_LOCAL_URI_SAN', 'UPSTREAM_LOCAL_DNS_SAN', 'UPSTREAM_LOCAL_IP_SAN', 'UPSTREAM_LOCAL_SUBJECT',
  'UPSTREAM_HOST', 'UPSTREAM_HOST_NAME', 'UPSTREAM_HOST_NAME_WITHOUT_PORT', 'UPSTREAM_CLUSTER', 'UPSTREAM_CLUSTER_RAW', 'UPSTREAM_CONNECTION_ID', 'UPSTREAM_CONNECTION_POOL_READY_DURATION', 'UPSTREAM_LOCAL_ADDRESS', 'UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT', 'UPSTREAM_LOCAL_PORT', 'UPSTREAM_REMOTE_ADDRESS', 'UPSTREAM_REMOTE_PORT', 'UPSTREAM_TRANSPORT_FAILURE_REASON', 'UPSTREAM_DETECTED_CLOSE_TYPE', 'UPSTREAM_LOCAL_CLOSE_REASON',
  'DOWNSTREAM_REMOTE_ADDRESS', 'DOWNSTREAM_REMOTE_PORT', 'DOWNSTREAM_DIRECT_REMOTE_ADDRESS', 'DOWNSTREAM_DIRECT_REMOTE_PORT', 'DOWNSTREAM_LOCAL_ADDRESS', 'DOWNSTREAM_DIRECT_LOCAL_ADDRESS', 'DOWNSTREAM_LOCAL_PORT', 'DOWNSTREAM_TRANSPORT_FAILURE_REASON', 'DOWNSTREAM_LOCAL_CLOSE_REASON', 'DOWNSTREAM_DETECTED_CLOSE_TYPE',
  'DOWNSTREAM_LOCAL_URI_SAN', 'DOWNSTREAM_LOCAL_DNS_SAN', 'DOWNSTREAM_LOCAL_IP_SAN', 'DOWNSTREAM_LOCAL_SUBJECT', 'DOWNSTREAM_PEER_URI_SAN', 'DOWNSTREAM_PEER_DNS_SAN', 'DOWNSTREAM_PEER_IP_SAN', 'DOWNSTREAM_PEER_EMAIL_SAN', 'DOWNSTREAM_PEER_SUBJECT', 'DOWNSTREAM_PEER_ISSUER', 'DOWNSTREAM_PEER_SERIAL', 'DOWNSTREAM_PEER_FINGERPRINT_256', 'DOWNSTREAM_PEER_FINGERPRINT_1', 'DOWNSTREAM_PEER_CERT',
  'DOWNSTREAM_TLS_SESSION_ID', 'DOWNSTREAM_TLS_CIPHER', 'DOWNSTREAM_TLS_VERSION', 'TLS_JA3_FINGERPRINT', 'TLS_JA4_FINGERPRINT', 'CONNECTION_ID', 'STREAM_ID', 'UNIQUE_ID', 'ROUTE_NAME', 'VIRTUAL_CLUSTER_NAME', 'HOSTNAME', 'FILTER_CHAIN_NAME', 'LOCAL_REPLY_BODY', 'ACCESS_LOG_TYPE', 'SPAN_ID', 'GRPC_STATUS_NUMBER', 'CUSTOM_FLAGS',
];
const arguments_: ReadonlyMap<string, 'required' | 'optional' | 'none'> = new Map([
  ...required.map((name) => [name, 'required'] as const), ...optional.map((name) => [name, 'optional'] as const), ...plain.map((name) => [name, 'none'] as const),
]);

const operator = /%(?:%|([A-Z][A-Z0-9_]*)(?:\(([^)]*)\))?(?::(\d+))?%)/y;

/** A format in parts; `problem` is the first thing that Envoy would refuse it for, as the rest of a sentence that begins with the field. */
export function parseLogTemplate(text: string): { readonly template: LogTemplate; readonly problem?: string } {
  const template: (string | LogOperator)[] = [];
  let problem: string | undefined;
  let at = 0;
  while (at < text.length) {
    const next = text.indexOf('%', at);
    if (next !== at) template.push(text.slice(at, next < 0 ? text.length : next));
    if (next < 0) break;
    operator.lastIndex = next;
    const match = operator.exec(text);
    if (match === null) {
      problem ??= `has a % that begins no operator: “${text.slice(next, next + 30)}”`;
      template.push('%');
      at = next + 1;
      continue;
    }
    const [whole, name, argument, length] = match;
    if (name === undefined) template.push('%');
    else {
      problem ??= misuse(name, argument);
      template.push({ name, argument: argument ?? '', length: length === undefined ? Infinity : Number(length) });
    }
    at = next + whole.length;
  }
  return { template, ...(problem === undefined ? {} : { problem }) };
}

function misuse(name: string, argument: string | undefined): string | undefined {
  const wants = arguments_.get(name);
  if (wants === undefined) return `uses %${name}%, which Envoy has no operator for`;
  if (wants === 'required' && (argument ?? '') === '') return `uses %${name}% without an argument: write %${name}(…)%`;
  return wants === 'none' && argument !== undefined ? `uses %${name}(${argument})%, which takes no argument` : undefined;
}

/** A JSON format in templates, and the first problem of its texts. */
export function parseJsonTemplate(json: unknown): { readonly template: JsonTemplate; readonly problem?: string } {
  if (typeof json === 'string') return parseLogTemplate(json);
  if (typeof json === 'number' || typeof json === 'boolean' || json === null || json === undefined) return { template: { value: json ?? null } };
  if (Array.isArray(json)) {
    const list = json.map(parseJsonTemplate);
    return withProblem({ list: list.map(({ template }) => template) }, list);
  }
  const fields = Object.entries(json as Readonly<Record<string, unknown>>).map(([key, value]) => [key, parseJsonTemplate(value)] as const);
  return withProblem({ fields: fields.map(([key, { template }]) => [key, template]) }, fields.map(([, read]) => read));
}

function withProblem(template: JsonTemplate, parts: readonly { readonly problem?: string }[]): { readonly template: JsonTemplate; readonly problem?: string } {
  const problem = parts.find((part) => part.problem !== undefined)?.problem;
  return { template, ...(problem === undefined ? {} : { problem }) };
}

/** The map that an `accessLogFormat` with encoding JSON is, or `undefined` when it is none. */
export function readJsonFormat(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as Readonly<Record<string, unknown>>) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Istio's line of text. Source: istio.io, "Envoy Access Logs", default access log format. */
export const istioTextFormat = '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n';

/** Istio's JSON keys. Source: istio.io, MeshConfig.accessLogEncoding and "Envoy Access Logs". */
export const istioJsonFormat: Readonly<Record<string, string>> = {
  start_time: '%START_TIME%', route_name: '%ROUTE_NAME%', method: '%REQ(:METHOD)%', path: '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%', protocol: '%PROTOCOL%', response_code: '%RESPONSE_CODE%', response_flags: '%RESPONSE_FLAGS%',
  response_code_details: '%RESPONSE_CODE_DETAILS%', connection_termination_details: '%CONNECTION_TERMINATION_DETAILS%', bytes_received: '%BYTES_RECEIVED%', bytes_sent: '%BYTES_SENT%', duration: '%DURATION%',
  upstream_service_time: '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%', x_forwarded_for: '%REQ(X-FORWARDED-FOR)%', user_agent: '%REQ(USER-AGENT)%', request_id: '%REQ(X-REQUEST-ID)%', authority: '%REQ(:AUTHORITY)%',
  upstream_host: '%UPSTREAM_HOST%', upstream_cluster: '%UPSTREAM_CLUSTER_RAW%', upstream_local_address: '%UPSTREAM_LOCAL_ADDRESS%', downstream_local_address: '%DOWNSTREAM_LOCAL_ADDRESS%',
  downstream_remote_address: '%DOWNSTREAM_REMOTE_ADDRESS%', requested_server_name: '%REQUESTED_SERVER_NAME%', upstream_transport_failure_reason: '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
};

/** Envoy's SubstitutionFormatString of a mesh config; a format that cannot be read gives way to Istio's own. */
export function substitutionFormat(format: string, encoding: 'TEXT' | 'JSON'): { readonly jsonFormat: Readonly<Record<string, unknown>> } | { readonly textFormatSource: { readonly inlineString: string } } {
  if (encoding === 'JSON') {
    const written = readJsonFormat(format);
    return { jsonFormat: written === undefined || parseJsonTemplate(written).problem !== undefined ? istioJsonFormat : written };
  }
  const written = format === '' || parseLogTemplate(format).problem !== undefined ? istioTextFormat : format;
  return { textFormatSource: { inlineString: written.endsWith('\n') ? written : `${written}\n` } };
}
