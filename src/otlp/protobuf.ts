import { create, createFileRegistry, fromBinary, fromJson, toBinary, toJson, type DescMessage, type JsonValue } from '@bufbuild/protobuf';
import { FieldDescriptorProto_Label, FieldDescriptorProto_Type, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';

/**
 * The messages of OpenTelemetry's protocol that are read and written here: number and type of each field, `[]` for a list. Enums are int32, which is the same on
 * the wire and what OTLP's JSON wants. Source: github.com/open-telemetry/opentelemetry-proto, v1.
 */
const messages = {
  AnyValue: { string_value: [1, 'string'], bool_value: [2, 'bool'], int_value: [3, 'int64'], double_value: [4, 'double'], array_value: [5, 'ArrayValue'], kvlist_value: [6, 'KeyValueList'], bytes_value: [7, 'bytes'] },
  ArrayValue: { values: [1, 'AnyValue[]'] },
  KeyValueList: { values: [1, 'KeyValue[]'] },
  KeyValue: { key: [1, 'string'], value: [2, 'AnyValue'] },
  Resource: { attributes: [1, 'KeyValue[]'] },
  Scope: { name: [1, 'string'], version: [2, 'string'] },
  Status: { message: [2, 'string'], code: [3, 'int32'] },
  Event: { time_unix_nano: [1, 'fixed64'], name: [2, 'string'], attributes: [3, 'KeyValue[]'] },
  Span: {
    trace_id: [1, 'bytes'], span_id: [2, 'bytes'], trace_state: [3, 'string'], parent_span_id: [4, 'bytes'], name: [5, 'string'], kind: [6, 'int32'], start_time_unix_nano: [7, 'fixed64'], end_time_unix_nano: [8, 'fixed64'],
    attributes: [9, 'KeyValue[]'], events: [11, 'Event[]'], status: [15, 'Status'], flags: [16, 'fixed32'],
  },
  ScopeSpans: { scope: [1, 'Scope'], spans: [2, 'Span[]'] },
  ResourceSpans: { resource: [1, 'Resource'], scope_spans: [2, 'ScopeSpans[]'] },
  TracesData: { resource_spans: [1, 'ResourceSpans[]'] },
  LogRecord: { time_unix_nano: [1, 'fixed64'], severity_number: [2, 'int32'], severity_text: [3, 'string'], body: [5, 'AnyValue'], attributes: [6, 'KeyValue[]'], trace_id: [9, 'bytes'], span_id: [10, 'bytes'], observed_time_unix_nano: [11, 'fixed64'] },
  ScopeLogs: { scope: [1, 'Scope'], log_records: [2, 'LogRecord[]'] },
  ResourceLogs: { resource: [1, 'Resource'], scope_logs: [2, 'ScopeLogs[]'] },
  PartialSuccess: { error_message: [2, 'string'] },
  ExportResponse: { partial_success: [1, 'PartialSuccess'] },
  LogsData: { resource_logs: [1, 'ResourceLogs[]'] },
} as const satisfies Readonly<Record<string, Readonly<Record<string, readonly [number, string]>>>>;

/** What a request to a collector carries (its binary form is that of the Export…ServiceRequest), and what the collector answers. */
export type OtlpMessage = 'TracesData' | 'LogsData' | 'ExportResponse';

/** OTLP between JSON and protobuf. Reading throws on bytes that are no such message. */
export interface OtlpCodec {
  write(type: OtlpMessage, json: object): Uint8Array;
  read(type: OtlpMessage, bytes: Uint8Array): unknown;
}

const pack = 'weft.otlp';
/** By name, so that nothing of the runtime is needed before the first message is written. */
const scalars = { string: 'STRING', bool: 'BOOL', int64: 'INT64', int32: 'INT32', double: 'DOUBLE', bytes: 'BYTES', fixed64: 'FIXED64', fixed32: 'FIXED32' } as const satisfies Readonly<Record<string, keyof typeof FieldDescriptorProto_Type>>;

/** Makes the codec: the schema is put together once. */
export function createOtlpCodec(): OtlpCodec {
  const registry = createFileRegistry(create(FileDescriptorProtoSchema, { name: 'otlp.proto', package: pack, syntax: 'proto3', messageType: Object.entries(messages).map(messageOf) }), () => undefined);
  const schema = (type: OtlpMessage): DescMessage => {
    const found = registry.getMessage(`${pack}.${type}`);
    if (found === undefined) throw new Error(`${type} is not in the schema`);
    return found;
  };
  return {
    write: (type, json) => toBinary(schema(type), fromJson(schema(type), ids(json, hexToBase64) as JsonValue, { ignoreUnknownFields: true })),
    read: (type, bytes) => ids(toJson(schema(type), fromBinary(schema(type), bytes)), base64ToHex),
  };
}

function messageOf([name, fields]: [string, Readonly<Record<string, readonly [number, string]>>]): { name: string; field: object[]; oneofDecl: object[] } {
  // Of AnyValue's fields exactly one is set, and zero and the empty text are values.
  const oneof = name === 'AnyValue';
  return {
    name, oneofDecl: oneof ? [{ name: 'value' }] : [],
    field: Object.entries(fields).map(([field, [number, written]]) => {
      const type = written.replace('[]', '');
      const label = written.endsWith('[]') ? FieldDescriptorProto_Label.REPEATED : FieldDescriptorProto_Label.OPTIONAL;
      const jsonName = field.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
      const shape = Object.hasOwn(scalars, type) ? { type: FieldDescriptorProto_Type[scalars[type as keyof typeof scalars]] } : { type: FieldDescriptorProto_Type.MESSAGE, typeName: `.${pack}.${type}` };
      return { name: field, number, label, jsonName, ...shape, ...(oneof ? { oneofIndex: 0 } : {}) };
    }),
  };
}

const idFields: ReadonlySet<string> = new Set(['traceId', 'spanId', 'parentSpanId']);

/** OTLP's JSON writes ids in hexadecimal, where proto3's JSON has base64. */
function ids(json: unknown, turn: (id: string) => string): unknown {
  if (Array.isArray(json)) return json.map((item) => ids(item, turn));
  if (typeof json !== 'object' || json === null) return json;
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, idFields.has(key) && typeof value === 'string' ? turn(value) : ids(value, turn)]));
}

const hexToBase64 = (id: string): string => btoa(String.fromCharCode(...(id.match(/../g) ?? []).map((digits) => Number.parseInt(digits, 16))));
const base64ToHex = (id: string): string => [...atob(id)].map((character) => character.charCodeAt(0).toString(16).padStart(2, '0')).join('');
