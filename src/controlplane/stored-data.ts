import type { Resource } from '../manifest/index.ts';

/** The data of a Secret or ConfigMap by key; `undefined` when there is none of that name. Binary data stays as it is, one byte a character. */
export function dataOf(kind: 'Secret' | 'ConfigMap', name: string, namespace: string, resources: readonly Resource[]): Readonly<Record<string, string>> | undefined {
  const resource = resources.find((one) => one.kind === kind && one.metadata.name === name && one.metadata.namespace === namespace);
  if (resource === undefined) return undefined;
  const { body } = resource;
  if (kind === 'ConfigMap') return strings(body['data']);
  const decoded = Object.entries(strings(body['data'])).map(([key, value]): [string, string] => [key, Buffer.from(value, 'base64').toString('utf8')]);
  return { ...Object.fromEntries(decoded), ...strings(body['stringData']) };
}

function strings(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
