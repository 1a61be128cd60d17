import { LabFailure } from '../../contract/index.ts';
import type { Container, EnvVar } from '../../manifest/index.ts';
import { requireEntries, type ConfigData } from './config-data.ts';
import { parseQuantity } from './quantity.ts';

/** What the downward API can tell of a pod. */
export interface PodIdentity {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly ip: string;
  readonly hostIp: string;
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** More than this does not fit the kernel's space for arguments and environment. */
const longestValue = 128 * 1024 - 256;
const longestAll = 1024 * 1024;
const envName = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/;

/** A container's environment: `envFrom` first, `env` over it, in order; `$(NAME)` refers to what came before. Source: Kubernetes, "Define dependent environment variables". */
export function environment(container: Container, pod: PodIdentity, data: ConfigData): Readonly<Record<string, string>> {
  const values = new Map<string, string>();
  for (const { prefix, configMapRef, secretRef } of container.envFrom) {
    for (const [kind, ref] of [['ConfigMap', configMapRef], ['Secret', secretRef]] as const) {
      if (ref === undefined) continue;
      for (const [key, value] of requireEntries(data, kind, pod.namespace, ref.name, ref.optional)) if (envName.test(prefix + key)) values.set(prefix + key, value.toString());
    }
  }
  for (const variable of container.env) {
    const value = variableValue(variable, container, pod, data);
    if (value !== undefined) values.set(variable.name, variable.valueFrom === undefined ? expand(value, values) : value);
  }
  checkSize(values, container.name);
  return Object.fromEntries(values);
}

/** Replaces `$(NAME)` by its value; `$$(NAME)` stays as `$(NAME)`, and what is not known stays as it is. */
export function expand(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(/\$\$|\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)/g, (whole, name: string | undefined) => (name === undefined ? '$' : values.get(name) ?? whole));
}

/** A field of the downward API; `undefined` when there is no such field. */
export function fieldOf(path: string, pod: PodIdentity): string | undefined {
  const keyed = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (keyed !== null) return (keyed[1] === 'labels' ? pod.labels : pod.annotations)[keyed[2] ?? ''] ?? '';
  const fields: Readonly<Record<string, string>> = {
    'metadata.name': pod.name, 'metadata.namespace': pod.namespace, 'metadata.uid': pod.uid, 'spec.nodeName': 'weft', 'spec.serviceAccountName': pod.serviceAccount,
    'status.podIP': pod.ip, 'status.podIPs': pod.ip, 'status.hostIP': pod.hostIp, 'status.hostIPs': pod.hostIp,
    'metadata.labels': lines(pod.labels), 'metadata.annotations': lines(pod.annotations),
  };
  return fields[path];
}

/** A resource of the downward API, e.g. `limits.memory` with divisor `1Mi`; rounded up as Kubernetes does. */
export function resourceField(resource: string, divisor: string | number | undefined, container: Container): string {
  const [kind = '', name = ''] = resource.split('.');
  const { limits = {}, requests = {} } = container.resources ?? {};
  const amount = parseQuantity(kind === 'requests' ? requests[name] ?? limits[name] : limits[name]) ?? 0;
  const unit = parseQuantity(divisor) ?? 1;
  return String(Math.ceil(amount / (unit === 0 ? 1 : unit)));
}

function variableValue(variable: EnvVar, container: Container, pod: PodIdentity, data: ConfigData): string | undefined {
  if (!envName.test(variable.name)) throw new LabFailure('manifest-invalid', `Environment variable “${variable.name.slice(0, 100)}” of container ${container.name} is not a name.`);
  const from = variable.valueFrom;
  if (from === undefined) return variable.value;
  if (from.fieldRef !== undefined) return fieldOf(from.fieldRef.fieldPath, pod) ?? unknownField(from.fieldRef.fieldPath, variable.name);
  if (from.resourceFieldRef !== undefined) return resourceField(from.resourceFieldRef.resource, from.resourceFieldRef.divisor, container);
  for (const [kind, ref] of [['ConfigMap', from.configMapKeyRef], ['Secret', from.secretKeyRef]] as const) {
    if (ref === undefined) continue;
    const value = requireEntries(data, kind, pod.namespace, ref.name, ref.optional).get(ref.key);
    if (value === undefined && !ref.optional) throw new LabFailure('manifest-invalid', `${kind} ${pod.namespace}/${ref.name} has no key “${ref.key}”, which environment variable ${variable.name} needs.`);
    return value?.toString();
  }
  return variable.value;
}

function unknownField(path: string, name: string): never {
  throw new LabFailure('manifest-invalid', `Environment variable ${name} asks for the field “${path}”, which pods do not have.`);
}

function checkSize(values: ReadonlyMap<string, string>, container: string): void {
  let total = 0;
  for (const [name, value] of values) {
    if (value.includes('\0')) throw new LabFailure('manifest-invalid', `Environment variable ${name} of container ${container} holds a NUL byte.`);
    if (value.length > longestValue) throw new LabFailure('manifest-invalid', `Environment variable ${name} of container ${container} is longer than ${longestValue} bytes, which no Linux program can be started with.`);
    total += name.length + value.length + 2;
  }
  if (total > longestAll) throw new LabFailure('manifest-invalid', `The environment of container ${container} is larger than 1 MiB, which no Linux program can be started with.`, { help: 'Mount it as a volume instead.' });
}

function lines(values: Readonly<Record<string, string>>): string {
  return Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => `${name}=${JSON.stringify(value)}`).join('\n');
}
