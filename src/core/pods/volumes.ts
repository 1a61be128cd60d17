import { LabFailure } from '../../contract/index.ts';
import type { Container, PodSpec, Volume } from '../../manifest/index.ts';
import { requireEntries, type ConfigData } from './config-data.ts';
import { fieldOf, resourceField, type PodIdentity } from './environment.ts';
import { safeName, sha256 } from './labels.ts';
import { parseQuantity } from './quantity.ts';

/** A file to be put in a volume or container. The path is relative and stays inside. */
export interface PlacedFile {
  readonly path: string;
  readonly mode: number;
  readonly content: Buffer;
}

/** A volume of a pod that the engine keeps: empty at first, or with files. */
export interface PlannedVolume {
  /** Unique in the pod. */
  readonly name: string;
  readonly memory: boolean;
  readonly sizeBytes: number;
  readonly mode: number;
  /** Group that owns it; 0 for none in particular. */
  readonly group: number;
  readonly files: readonly PlacedFile[];
}

/** Where a container sees a volume. */
export interface PlannedMount {
  readonly volume: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** What a container gets of the pod's volumes: mounts, files of `subPath` that are copied in, and host folders (with consent). */
export interface ContainerVolumes {
  readonly mounts: readonly PlannedMount[];
  readonly copies: readonly PlacedFile[];
  readonly binds: readonly string[];
}

/** All volumes of a pod, and what each container sees of them. */
export interface PodVolumes {
  readonly volumes: readonly PlannedVolume[];
  forContainer(container: Container): ContainerVolumes;
}

const largestConfig = 16 * 1024 * 1024;

/** Plans the volumes of a pod. Rejects (throws `manifest-invalid`) names and paths that lead out of their place. */
export function planVolumes(spec: PodSpec, pod: PodIdentity, data: ConfigData): PodVolumes {
  const group = spec.securityContext?.fsGroup ?? 0;
  const planned = new Map<string, PlannedVolume>();
  const byName = new Map(spec.volumes.map((volume) => [safeName(volume.name, 'The volume'), volume]));
  const files = new Map(spec.volumes.filter(hasFiles).map((volume) => [volume.name, filesOf(volume, spec, pod, data)]));

  const want = (name: string, volume: Volume): string => {
    const content = files.get(volume.name) ?? [];
    const memory = volume.emptyDir?.medium === 'Memory';
    const size = parseQuantity(volume.emptyDir?.sizeLimit) ?? 64 * 1024 * 1024;
    planned.set(name, { name, memory, sizeBytes: size, mode: hasFiles(volume) ? 0o755 : group === 0 ? 0o777 : 0o2777, group, files: content });
    return name;
  };

  return {
    get volumes() { return [...planned.values()]; },
    forContainer(container) {
      const result: { mounts: PlannedMount[]; copies: PlacedFile[]; binds: string[] } = { mounts: [], copies: [], binds: [] };
      for (const mount of container.volumeMounts) {
        const target = absolute(mount.mountPath, `mountPath of volume ${mount.name}`);
        const volume = byName.get(mount.name);
        if (volume === undefined) throw new LabFailure('manifest-invalid', `Container ${container.name} mounts volume “${mount.name}”, which the pod does not have.`);
        const subPath = mount.subPath === '' ? '' : relative(mount.subPath, `subPath of volume ${mount.name}`);
        if (volume.hostPath !== undefined) result.binds.push(bind(volume.hostPath.path, subPath, target, mount.readOnly));
        else if (subPath !== '' && hasFiles(volume)) result.copies.push(...copiesOf(files.get(volume.name) ?? [], subPath, target, mount.name));
        else result.mounts.push({ volume: want(subPath === '' ? volume.name : `${volume.name}-${sha256(subPath).slice(0, 8)}`, volume), target, readOnly: mount.readOnly || hasFiles(volume) });
      }
      return result;
    },
  };
}

/** A relative path that stays inside, or `manifest-invalid`. */
export function relative(path: string, what: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (path.startsWith('/') || path.includes('\0') || path.length > 4096 || parts.length === 0 || parts.includes('..')) {
    throw new LabFailure('manifest-invalid', `The ${what}, “${path.slice(0, 100)}”, leads out of its place.`, { help: 'Paths in volumes are relative and have no “..”.' });
  }
  return parts.join('/');
}

function absolute(path: string, what: string): string {
  if (!path.startsWith('/') || /[\0:]/.test(path) || path.split('/').includes('..') || path.length > 4096 || path.replaceAll('/', '') === '') {
    throw new LabFailure('manifest-invalid', `The ${what}, “${path.slice(0, 100)}”, is not a usable absolute path.`);
  }
  return path.replace(/\/+$/, '');
}

function hasFiles(volume: Volume): boolean {
  return volume.configMap !== undefined || volume.secret !== undefined || volume.downwardAPI !== undefined || volume.projected !== undefined;
}

interface Item { readonly key: string; readonly path: string; readonly mode?: number }

function filesOf(volume: Volume, spec: PodSpec, pod: PodIdentity, data: ConfigData): readonly PlacedFile[] {
  const mode = volume.configMap?.defaultMode ?? volume.secret?.defaultMode ?? volume.downwardAPI?.defaultMode ?? volume.projected?.defaultMode ?? 0o644;
  const found: PlacedFile[] = [];
  const take = (kind: 'ConfigMap' | 'Secret', name: string, items: readonly Item[], optional: boolean): void => {
    found.push(...pick(requireEntries(data, kind, pod.namespace, name, optional), items, mode, `${kind} ${name}`, optional));
  };
  const downward = (items: readonly DownwardItem[]): void => { found.push(...items.map((item) => downwardFile(item, mode, spec, pod))); };
  if (volume.configMap !== undefined) take('ConfigMap', volume.configMap.name, volume.configMap.items, volume.configMap.optional);
  if (volume.secret !== undefined) take('Secret', volume.secret.secretName, volume.secret.items, volume.secret.optional);
  if (volume.downwardAPI !== undefined) downward(volume.downwardAPI.items);
  for (const source of volume.projected?.sources ?? []) {
    if (source.configMap !== undefined) take('ConfigMap', source.configMap.name, source.configMap.items, source.configMap.optional);
    if (source.secret !== undefined) take('Secret', source.secret.name, source.secret.items, source.secret.optional);
    if (source.downwardAPI !== undefined) downward(source.downwardAPI.items);
  }
  if (found.reduce((sum, { content }) => sum + content.length, 0) > largestConfig) throw new LabFailure('manifest-invalid', `Volume ${volume.name} holds more than 16 MiB.`);
  return found;
}

function pick(entries: ReadonlyMap<string, Buffer>, items: readonly Item[], mode: number, what: string, optional: boolean): readonly PlacedFile[] {
  if (items.length === 0) return [...entries].map(([key, content]) => ({ path: relative(key, `key of ${what}`), mode, content }));
  return items.flatMap((item) => {
    const content = entries.get(item.key);
    if (content === undefined && !optional) throw new LabFailure('manifest-invalid', `${what} has no key “${item.key}”, which a volume needs.`);
    return content === undefined ? [] : [{ path: relative(item.path, `path of ${what}`), mode: item.mode ?? mode, content }];
  });
}

type DownwardItem = NonNullable<Volume['downwardAPI']>['items'][number];

function downwardFile(item: DownwardItem, mode: number, spec: PodSpec, pod: PodIdentity): PlacedFile {
  const path = relative(item.path, 'path of a downward API volume');
  if (item.fieldRef !== undefined) {
    const value = fieldOf(item.fieldRef.fieldPath, pod);
    if (value === undefined) throw new LabFailure('manifest-invalid', `A downward API volume asks for the field “${item.fieldRef.fieldPath}”, which pods do not have.`);
    return { path, mode: item.mode ?? mode, content: Buffer.from(value) };
  }
  const container = spec.containers.find(({ name }) => name === item.resourceFieldRef?.containerName);
  const value = item.resourceFieldRef === undefined || container === undefined ? '0' : resourceField(item.resourceFieldRef.resource, item.resourceFieldRef.divisor, container);
  return { path, mode: item.mode ?? mode, content: Buffer.from(value) };
}

/** The file, or the files of the folder, that `subPath` names, at the place of the mount. */
function copiesOf(files: readonly PlacedFile[], subPath: string, target: string, volume: string): readonly PlacedFile[] {
  const root = target.slice(1);
  const found = files.flatMap((file) => {
    if (file.path === subPath) return [{ ...file, path: root }];
    return file.path.startsWith(`${subPath}/`) ? [{ ...file, path: `${root}/${file.path.slice(subPath.length + 1)}` }] : [];
  });
  if (found.length === 0) throw new LabFailure('manifest-invalid', `Volume ${volume} has nothing at subPath “${subPath}”.`);
  return found;
}

function bind(path: string, subPath: string, target: string, readOnly: boolean): string {
  const host = absolute(path, 'hostPath');
  return `${subPath === '' ? host : `${host}/${subPath}`}:${target}${readOnly ? ':ro' : ''}`;
}
