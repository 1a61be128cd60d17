import { z } from 'zod';
import { podTemplates, type Resource, type Volume } from '../manifest/index.ts';
import { dataOf } from './stored-data.ts';

/** Who asks for a secret. */
export interface SecretOwner {
  readonly namespace: string;
  readonly workload: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A volume as an annotation may ask for it. */
const annotatedVolumes = z.array(z.object({ name: z.string(), secret: z.object({ secretName: z.string() }).optional(), configMap: z.object({ name: z.string() }).optional() }));
const annotatedMounts = z.array(z.object({ name: z.string(), mountPath: z.string() }));

/** A folder of the proxy's container, and the Secret or ConfigMap whose keys are its files. */
interface Mount {
  readonly path: string;
  readonly kind: 'Secret' | 'ConfigMap';
  readonly name: string;
}

/**
 * The text of a file that the proxy's container would have: of Secrets and ConfigMaps that its workload mounts, that annotations ask for
 * (`sidecar.istio.io/userVolume` and `userVolumeMount`), or that Istio's own gateways have under `/etc/istio`. Proxies of the lab mount nothing:
 * they are given the content as a secret. Source: istio.io, "Resource Annotations" and "Secure Gateways (File Mount)".
 */
export function mountedFile(path: string, owner: SecretOwner, resources: readonly Resource[]): string | undefined {
  const slash = path.lastIndexOf('/');
  const folder = path.slice(0, slash);
  const mount = [...standardMounts(folder), ...annotated(owner), ...ofWorkload(owner, resources)].find((one) => one.path.replace(/\/+$/, '') === folder);
  return mount === undefined ? undefined : dataOf(mount.kind, mount.name, owner.namespace, resources)?.[path.slice(slash + 1)];
}

function standardMounts(folder: string): readonly Mount[] {
  const name = /^\/etc\/istio\/((?:in|e)gressgateway(?:-ca)?-certs)$/.exec(folder)?.[1];
  return name === undefined ? [] : [{ path: folder, kind: 'Secret', name: `istio-${name}` }];
}

function annotated({ annotations }: SecretOwner): readonly Mount[] {
  const volumes = annotatedVolumes.safeParse(json(annotations['sidecar.istio.io/userVolume'])).data ?? [];
  const mounts = annotatedMounts.safeParse(json(annotations['sidecar.istio.io/userVolumeMount'])).data ?? [];
  return mounts.flatMap(({ name, mountPath }): Mount[] => {
    const volume = volumes.find((one) => one.name === name);
    if (volume?.secret !== undefined) return [{ path: mountPath, kind: 'Secret', name: volume.secret.secretName }];
    return volume?.configMap === undefined ? [] : [{ path: mountPath, kind: 'ConfigMap', name: volume.configMap.name }];
  });
}

/** What is written by hand may be no JSON: then nothing is mounted, and the secret that needs it is missed by name. */
function json(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return undefined;
  }
}

function ofWorkload({ namespace, workload }: SecretOwner, resources: readonly Resource[]): readonly Mount[] {
  const template = podTemplates(resources).find((one) => one.namespace === namespace && one.workload === workload);
  const proxy = template?.spec.containers.find(({ name }) => name === 'istio-proxy');
  return (proxy?.volumeMounts ?? []).flatMap(({ name, mountPath }) => sources(template?.spec.volumes.find((one) => one.name === name)).map((source) => ({ ...source, path: mountPath })));
}

function sources(volume: Volume | undefined): readonly Pick<Mount, 'kind' | 'name'>[] {
  if (volume?.secret !== undefined) return [{ kind: 'Secret', name: volume.secret.secretName }];
  return volume?.configMap === undefined ? [] : [{ kind: 'ConfigMap', name: volume.configMap.name }];
}
