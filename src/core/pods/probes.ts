import type { Probe as ProbeSettings } from '../../contract/index.ts';
import type { Container, Probe } from '../../manifest/index.ts';

/** The probes of a pod's containers. */
export function podProbes(containers: readonly Container[]): readonly ProbeSettings[] {
  return containers.flatMap((container) => [
    ...probe(container, 'readiness', container.readinessProbe), ...probe(container, 'liveness', container.livenessProbe), ...probe(container, 'startup', container.startupProbe),
  ]);
}

/** A stand-in is never restarted for not listening. */
const never = Number.MAX_SAFE_INTEGER;

/** A stand-in that no probe watches is not ready before it listens: asked four times a second until it does, then never again. */
export function standInProbes(container: Container, listens: readonly number[]): readonly ProbeSettings[] {
  if (container.startupProbe !== undefined) return [];
  const declared = container.ports.filter(({ protocol }) => protocol === 'TCP').map(({ containerPort }) => containerPort);
  const port = declared.find((candidate) => listens.includes(candidate)) ?? declared[0];
  if (port === undefined) return [];
  return [{ container: container.name, kind: 'startup', action: { tcp: { port } }, initialDelay: 0, period: 0.25, timeout: 1, successThreshold: 1, failureThreshold: never }];
}

function probe(container: Container, kind: ProbeSettings['kind'], from: Probe | undefined): readonly ProbeSettings[] {
  const action = from === undefined ? undefined : actionOf(from, container);
  if (from === undefined || action === undefined) return [];
  return [{
    container: container.name, kind, action, initialDelay: from.initialDelaySeconds, period: Math.max(1, from.periodSeconds), timeout: Math.max(1, from.timeoutSeconds),
    successThreshold: Math.max(1, from.successThreshold), failureThreshold: Math.max(1, from.failureThreshold), ...(from.terminationGracePeriodSeconds === undefined ? {} : { grace: from.terminationGracePeriodSeconds }),
  }];
}

function actionOf(from: Probe, container: Container): ProbeSettings['action'] | undefined {
  if (from.exec !== undefined) return from.exec.command.length === 0 ? undefined : { exec: { command: from.exec.command } };
  if (from.grpc !== undefined) return validPort(from.grpc.port) ? { grpc: { port: from.grpc.port, service: from.grpc.service } } : undefined;
  if (from.httpGet !== undefined) {
    const { path, scheme, httpHeaders } = from.httpGet;
    const port = portOf(from.httpGet.port, container);
    return port === undefined ? undefined : { http: { port, path: path.startsWith('/') ? path : `/${path}`, scheme, headers: httpHeaders.map(({ name, value }) => [name, value] as const) } };
  }
  const port = from.tcpSocket === undefined ? undefined : portOf(from.tcpSocket.port, container);
  return port === undefined ? undefined : { tcp: { port } };
}

/** A port by number or by the name that the container gives it. */
function portOf(port: number | string, container: Container): number | undefined {
  const number = typeof port === 'number' || /^\d+$/.test(port) ? Number(port) : container.ports.find(({ name }) => name === port)?.containerPort;
  return number !== undefined && validPort(number) ? number : undefined;
}

function validPort(port: number): boolean {
  return port >= 1 && port <= 65_535;
}
