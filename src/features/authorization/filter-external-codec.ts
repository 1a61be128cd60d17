import { createFileRegistry, fromBinary, fromJson, toBinary, toJson, type DescMessage, type JsonValue } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { authorizationDescriptors } from '../../xds/authorization-service.ts';
import type { CheckRequest, CheckResponse } from '../../xds/index.ts';

/** The messages of `envoy.service.auth.v3.Authorization` in protobuf's binary encoding. */
export interface CheckCodec {
  encode(request: CheckRequest): Buffer;
  /** Throws on bytes that are no such message. */
  decode(bytes: Buffer): CheckResponse;
}

/** Reads the descriptors, about 2 ms: made when the first question is asked. */
export function createCheckCodec(): CheckCodec {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, Buffer.from(authorizationDescriptors, 'base64')));
  const schema = (name: string): DescMessage => {
    const found = registry.getMessage(`envoy.service.auth.v3.${name}`);
    if (found === undefined) throw new Error(`There is no message ${name}.`);
    return found;
  };
  const request = schema('CheckRequest');
  const response = schema('CheckResponse');
  return {
    encode: (json) => Buffer.from(toBinary(request, fromJson(request, json as unknown as JsonValue, { registry }))),
    // What a status carries besides its code is not looked at, so that no type of it has to be known.
    decode: (bytes) => toJson(response, withoutDetails(fromBinary(response, bytes)), { registry, enumAsInteger: true }) as unknown as CheckResponse,
  };
}

function withoutDetails<Message extends object>(message: Message): Message {
  const { status } = message as { readonly status?: { details?: unknown[] } };
  if (status !== undefined) status.details = [];
  return message;
}
