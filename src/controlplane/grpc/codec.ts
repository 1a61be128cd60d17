import { gunzipSync } from 'node:zlib';
import { create, createFileRegistry, fromBinary, fromJson, toBinary, toJson, type DescMessage, type JsonObject, type JsonValue, type Message, type Registry } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { typeUrl, type ResourceType } from '../../xds/index.ts';
import type { WireResource } from '../ads/resources.ts';
import { descriptorSet } from './gen/descriptors.ts';

/** `envoy.config.core.v3.Node`, as far as we read it. */
export interface NodeMessage {
  readonly id: string;
  readonly metadata?: JsonObject;
}

/** `envoy.service.discovery.v3.DiscoveryRequest`. */
export interface DiscoveryRequestMessage {
  readonly versionInfo: string;
  readonly node?: NodeMessage;
  readonly resourceNames: readonly string[];
  readonly typeUrl: string;
  readonly responseNonce: string;
  readonly errorDetail?: { readonly code: number; readonly message: string };
}

/** `envoy.service.discovery.v3.DeltaDiscoveryRequest`. */
export interface DeltaDiscoveryRequestMessage {
  readonly node?: NodeMessage;
  readonly typeUrl: string;
  readonly resourceNamesSubscribe: readonly string[];
  readonly resourceNamesUnsubscribe: readonly string[];
  readonly initialResourceVersions: Readonly<Record<string, string>>;
  readonly responseNonce: string;
  readonly errorDetail?: { readonly code: number; readonly message: string };
}

/** `envoy.service.discovery.v3.DiscoveryResponse`. */
export interface DiscoveryResponseContent {
  readonly type: ResourceType;
  readonly versionInfo: string;
  readonly nonce: string;
  readonly resources: readonly WireResource[];
}

/** `envoy.service.discovery.v3.DeltaDiscoveryResponse`. */
export interface DeltaDiscoveryResponseContent extends Omit<DiscoveryResponseContent, 'versionInfo'> {
  readonly systemVersionInfo: string;
  readonly removed: readonly string[];
}

/** What is wrong with a resource that could not be put on the wire as compile made it. */
export type ReportLoss = (resource: string, reason: string) => void;

/** Envoy's API between JSON and protobuf's binary encoding. Readers throw on bytes that are no such message. */
export interface Codec {
  readDiscoveryRequest(bytes: Uint8Array): DiscoveryRequestMessage;
  readDeltaRequest(bytes: Uint8Array): DeltaDiscoveryRequestMessage;
  discoveryResponse(content: DiscoveryResponseContent): Buffer;
  deltaResponse(content: DeltaDiscoveryResponseContent): Buffer;
  readCertificateRequest(bytes: Uint8Array): { readonly csr: string };
  certificateResponse(chain: readonly string[]): Buffer;
  /** A message of any known type from its proto3 JSON, and back. */
  encode(typeName: string, json: JsonValue): Uint8Array;
  decode(typeName: string, bytes: Uint8Array): JsonValue;
}

const any = 'google.protobuf.Any';
const typedStruct = 'xds.type.v3.TypedStruct';
const urlPrefix = 'type.googleapis.com/';

/** Reads the descriptors, about 20 ms and 10 MB: made when the first client of the binary wire comes. */
export function createCodec(report: ReportLoss): Codec {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, gunzipSync(Buffer.from(descriptorSet, 'base64'))));
  const schema = (name: string): DescMessage => {
    const found = registry.getMessage(name);
    if (found === undefined) throw new Error(`There is no message ${name}.`);
    return found;
  };
  const read = <T>(name: string, bytes: Uint8Array): T => fromBinary(schema(name), bytes) as unknown as T;
  const write = (name: string, content: object): Buffer => Buffer.from(toBinary(schema(name), create(schema(name), content as never)));
  const known = new WeakMap<WireResource, Uint8Array>();

  /** Strictly; where compile wrote what Envoy's API does not have, without that, and said so. */
  function encodeResource(type: ResourceType, resource: WireResource): Uint8Array | undefined {
    const desc = schema(typeUrl[type].slice(urlPrefix.length));
    const json = packable(JSON.parse(resource.json) as JsonValue, registry);
    let message: Message;
    try {
      message = fromJson(desc, json, { registry });
    } catch (error) {
      report(resource.name, error instanceof Error ? error.message : String(error));
      try {
        message = fromJson(desc, json, { registry, ignoreUnknownFields: true });
      } catch {
        return undefined;
      }
    }
    return toBinary(desc, message);
  }

  const packed = (type: ResourceType, resource: WireResource): Message | undefined => {
    const value = known.get(resource) ?? encodeResource(type, resource);
    if (value === undefined) return undefined;
    known.set(resource, value);
    return create(schema(any), { typeUrl: typeUrl[type], value } as never);
  };

  return {
    readDiscoveryRequest: (bytes) => read('envoy.service.discovery.v3.DiscoveryRequest', bytes),
    readDeltaRequest: (bytes) => read('envoy.service.discovery.v3.DeltaDiscoveryRequest', bytes),
    discoveryResponse: ({ type, resources, versionInfo, nonce }) => write('envoy.service.discovery.v3.DiscoveryResponse', {
      versionInfo, nonce, typeUrl: typeUrl[type], resources: resources.flatMap((resource) => packed(type, resource) ?? []),
    }),
    deltaResponse: ({ type, resources, systemVersionInfo, nonce, removed }) => write('envoy.service.discovery.v3.DeltaDiscoveryResponse', {
      systemVersionInfo, nonce, typeUrl: typeUrl[type], removedResources: removed,
      resources: resources.flatMap((one) => {
        const resource = packed(type, one);
        return resource === undefined ? [] : [create(schema('envoy.service.discovery.v3.Resource'), { name: one.name, version: one.version, resource } as never)];
      }),
    }),
    readCertificateRequest: (bytes) => read('istio.v1.auth.IstioCertificateRequest', bytes),
    certificateResponse: (certChain) => write('istio.v1.auth.IstioCertificateResponse', { certChain }),
    encode: (name, json) => toBinary(schema(name), fromJson(schema(name), packable(json, registry), { registry })),
    decode: (name, bytes) => toJson(schema(name), fromBinary(schema(name), bytes), { registry }),
  };
}

/**
 * Packs `Any`s whose type nobody here knows as `xds.type.v3.TypedStruct`, which is what xDS has for that: type URL and content stay readable for a client that knows the type.
 * Source: github.com/cncf/xds, xds/type/v3/typed_struct.proto.
 */
function packable(json: JsonValue, registry: Registry): JsonValue {
  if (Array.isArray(json)) return json.map((item) => packable(item, registry));
  if (typeof json !== 'object' || json === null) return json;
  const entries = Object.entries(json).map(([key, value]): [string, JsonValue] => [key, packable(value, registry)]);
  const url = json['@type'];
  if (typeof url !== 'string' || registry.getMessage(url.slice(url.lastIndexOf('/') + 1)) !== undefined) return Object.fromEntries(entries);
  return { '@type': `${urlPrefix}${typedStruct}`, typeUrl: url, value: Object.fromEntries(entries.filter(([key]) => key !== '@type')) };
}
