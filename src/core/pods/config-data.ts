import { LabFailure } from '../../contract/index.ts';
import { ofKind, type Resource } from '../../manifest/index.ts';

/** Contents of ConfigMaps and Secrets, decoded. */
export interface ConfigData {
  /** Entries of a ConfigMap or Secret; `undefined` when there is none of that name. */
  entries(kind: 'ConfigMap' | 'Secret', namespace: string, name: string): ReadonlyMap<string, Buffer> | undefined;
}

/** Reads ConfigMaps and Secrets out of the manifests. */
export function configData(resources: readonly Resource[]): ConfigData {
  const all = new Map<string, ReadonlyMap<string, Buffer>>();
  for (const { metadata, spec } of ofKind(resources, 'ConfigMap')) {
    all.set(`ConfigMap ${metadata.namespace}/${metadata.name}`, new Map([
      ...Object.entries(spec.data).map(([key, value]) => [key, Buffer.from(value)] as const),
      ...Object.entries(spec.binaryData).map(([key, value]) => [key, Buffer.from(value, 'base64')] as const),
    ]));
  }
  for (const { metadata, spec } of ofKind(resources, 'Secret')) {
    all.set(`Secret ${metadata.namespace}/${metadata.name}`, new Map([
      ...Object.entries(spec.data).map(([key, value]) => [key, Buffer.from(value, 'base64')] as const),
      ...Object.entries(spec.stringData).map(([key, value]) => [key, Buffer.from(value)] as const),
    ]));
  }
  return { entries: (kind, namespace, name) => all.get(`${kind} ${namespace}/${name}`) };
}

/** Entries that a pod refers to; what is missing and not optional keeps the pod from starting, as in Kubernetes. */
export function requireEntries(data: ConfigData, kind: 'ConfigMap' | 'Secret', namespace: string, name: string, optional: boolean): ReadonlyMap<string, Buffer> {
  const entries = data.entries(kind, namespace, name);
  if (entries !== undefined) return entries;
  if (optional) return new Map();
  throw new LabFailure('manifest-invalid', `${kind} ${namespace}/${name} is not there.`, { help: `Apply a ${kind} of that name, or mark the reference optional.` });
}
