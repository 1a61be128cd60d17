import { LabFailure } from '../../contract/index.ts';
import type { Container, PodSpec } from '../../manifest/index.ts';
import { parseQuantity } from './quantity.ts';

/**
 * What a user's container may do as root in its own namespaces when its manifest says nothing: change owners and users, bind low ports.
 * Of Kubernetes' default set these are missing: NET_RAW (forge packets past capture), MKNOD, SYS_CHROOT, AUDIT_WRITE, SETPCAP, SETFCAP.
 */
export const defaultCapabilities = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'NET_BIND_SERVICE', 'SETGID', 'SETUID'] as const;

/** What the engine is told about a container's rights and limits. */
export interface Confinement {
  readonly user: string | undefined;
  readonly groups: readonly string[];
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  readonly privileged: boolean;
  readonly readOnlyRoot: boolean;
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly pids: number;
}

const mebibyte = 1024 * 1024;
/** For containers whose manifests set no limit: one that leaks must not take the host with it. */
const defaults = { memory: 1024 * mebibyte, least: 16 * mebibyte, pids: 1024 } as const;

/** Rights and limits of a user's container, from its and its pod's security context. What needs consent was asked for before. */
export function confine(container: Container, spec: PodSpec): Confinement {
  const own = container.securityContext;
  const user = own?.runAsUser ?? spec.securityContext?.runAsUser;
  const group = own?.runAsGroup ?? spec.securityContext?.runAsGroup;
  const fsGroup = spec.securityContext?.fsGroup;
  const limit = parseQuantity(container.resources?.limits['memory']) ?? parseQuantity(container.resources?.requests['memory']);
  const memory = container.resources?.limits['memory'] === undefined ? Math.max(limit ?? 0, defaults.memory) : limit ?? defaults.memory;
  return {
    user: userOf(user, group),
    groups: [...spec.securityContext?.supplementalGroups ?? [], ...(fsGroup === undefined ? [] : [fsGroup])].map(String),
    capabilities: capabilitiesOf(own?.capabilities),
    noNewPrivileges: own?.privileged !== true,
    privileged: own?.privileged === true,
    readOnlyRoot: own?.readOnlyRootFilesystem === true,
    memoryBytes: Math.max(Math.round(memory), defaults.least),
    cpus: parseQuantity(container.resources?.limits['cpu']) ?? 0,
    pids: defaults.pids,
  };
}

/** A stand-in needs nothing: no capability, and as much memory as Node takes, whatever the original was limited to. */
export function confineStandIn(container: Container, spec: PodSpec, uid: number): Confinement {
  const asked = confine(container, spec);
  return { ...asked, user: asked.user ?? `${uid}:${uid}`, capabilities: [], noNewPrivileges: true, privileged: false, memoryBytes: Math.max(asked.memoryBytes, 192 * mebibyte), cpus: 0 };
}

/** The engine's capability names for a manifest's. */
export function capabilitiesOf(wanted: { readonly add: readonly string[]; readonly drop: readonly string[] } | undefined): readonly string[] {
  const plain = (name: string): string => {
    const text = name.toUpperCase().replace(/^CAP_/, '');
    if (!/^[A-Z_]{2,40}$/.test(text)) throw new LabFailure('manifest-invalid', `“${name.slice(0, 50)}” is not a capability.`);
    return text;
  };
  const dropped = new Set((wanted?.drop ?? []).map(plain));
  const kept = dropped.has('ALL') ? [] : defaultCapabilities.filter((name) => !dropped.has(name));
  return [...new Set([...kept, ...(wanted?.add ?? []).map(plain)])];
}

function userOf(user: number | undefined, group: number | undefined): string | undefined {
  if (user === undefined) return group === undefined ? undefined : `0:${group}`;
  return `${user}:${group ?? 0}`;
}
