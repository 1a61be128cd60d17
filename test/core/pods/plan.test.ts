import { describe, expect, it } from 'vitest';
import { configData } from '../../../src/core/pods/config-data.ts';
import type { ImageChoice } from '../../../src/core/pods/choose-images.ts';
import { planPod, type PodPlan } from '../../../src/core/pods/plan.ts';
import { defaultCapabilities } from '../../../src/core/pods/security.ts';
import { parseManifests, podTemplates } from '../../../src/manifest/index.ts';
import { standInFor } from '../../../src/workloads/catalog.ts';
import { fakeImage } from '../../fakes/engine.ts';

const identity = { name: 'web-1', namespace: 'default', uid: 'u', ip: '10.0.0.5', hostIp: '10.0.0.1', serviceAccount: 'web', labels: {}, annotations: {} };
const settings = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a.conf: one, b.conf: two}\n---\n';

/** Plans a pod whose spec is this YAML (flow style); images of the catalog are stand-ins. */
function plan(spec: string, before = settings): PodPlan {
  const { resources, diagnostics } = parseManifests([{ path: 'a.yaml', text: `${before}apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: ${spec}\n` }]);
  const [template] = podTemplates(resources);
  if (template === undefined) throw new Error(JSON.stringify(diagnostics));
  const images = new Map<string, ImageChoice>([...template.spec.initContainers, ...template.spec.containers].map(({ image }) => {
    const standIn = standInFor(image);
    return [image, image === 'gone' ? { kind: 'none', why: 'no registry' } : standIn === undefined ? { kind: 'image', info: fakeImage(image) } : { kind: 'stand-in', standIn }];
  }));
  return planPod(template, { pod: identity, data: configData(resources), images, runtime: 'weft/runtime:x' });
}

describe('a user’s container', () => {
  it('runs its command without the image’s own arguments, with few rights and bounded', () => {
    const [app] = plan('{containers: [{name: web, image: nginx, command: [sh, "-c", "echo $(WHO)"], env: [{name: WHO, value: me}]}]}').apps;
    expect(app?.spec).toMatchObject({ image: 'sha256:nginx', entrypoint: ['sh', '-c', 'echo me'], command: [], capabilities: defaultCapabilities, noNewPrivileges: true, privileged: false, restart: 'always', memoryBytes: 2 ** 30, pids: 1024 });
    expect(defaultCapabilities).not.toContain('NET_RAW');
    expect(defaultCapabilities).not.toContain('NET_ADMIN');
  });
  it('obeys its security context and limits', () => {
    const [app] = plan('{restartPolicy: Never, securityContext: {runAsUser: 1000, runAsGroup: 2000, fsGroup: 3000}, containers: [{name: web, image: nginx, args: [x], resources: {limits: {memory: 64Mi, cpu: 500m}}, securityContext: {readOnlyRootFilesystem: true, capabilities: {drop: [ALL], add: [CAP_NET_BIND_SERVICE]}}}]}').apps;
    expect(app?.spec).toMatchObject({ user: '1000:2000', groups: ['3000'], readOnlyRoot: true, capabilities: ['NET_BIND_SERVICE'], memoryBytes: 64 * 2 ** 20, cpus: 0.5, restart: 'no', command: ['x'] });
  });
  it.each([
    ['runs as root although it must not', '{securityContext: {runAsNonRoot: true}, containers: [{name: web, image: nginx}]}', 'manifest-invalid'],
    ['has an image that cannot be had', '{containers: [{name: web, image: gone}]}', 'image-unavailable'],
    ['has a capability that is none', '{containers: [{name: web, image: nginx, securityContext: {capabilities: {add: ["x y"]}}}]}', 'manifest-invalid'],
    ['has a hostile name', '{containers: [{name: "../x", image: nginx}]}', 'manifest-invalid'],
    ['has hostile host aliases', '{hostAliases: [{ip: "1.2.3.4\\n5.6.7.8", hostnames: [x]}], containers: [{name: web, image: nginx}]}', 'manifest-invalid'],
  ])('does not start when it %s', (_, spec, code) => {
    expect(() => plan(spec)).toThrowError(expect.objectContaining({ code }));
  });
});

describe('a stand-in', () => {
  it('runs our server as an ordinary user without capabilities, told the original’s arguments', () => {
    const [app] = plan('{containers: [{name: echo, image: "docker.io/istio/tcp-echo-server:1.3", args: ["9000", "one"], ports: [{containerPort: 9000}]}]}').apps;
    expect(app?.spec).toMatchObject({ image: 'weft/runtime:x', command: ['stand-in'], user: '1000:1000', capabilities: [], env: { WEFT: JSON.stringify({ name: 'tcp-echo-server', args: ['9000', 'one'] }) } });
    expect(app?.facts).toEqual({ name: 'echo', image: 'docker.io/istio/tcp-echo-server:1.3', standIn: 'tcp-echo-server', init: false });
  });
  it('runs as the user that the manifest demands', () => {
    expect(plan('{containers: [{name: d, image: "x/examples-bookinfo-details-v1:1", securityContext: {runAsUser: 1234}}]}').apps[0]?.spec.user).toBe('1234:0');
  });
  it('that is a box of tools runs the manifest’s command', () => {
    expect(plan('{containers: [{name: curl, image: curlimages/curl, command: [/bin/sleep, infinity]}]}').apps[0]?.spec).toMatchObject({ entrypoint: ['/bin/sleep', 'infinity'], command: [], user: '100:100' });
  });
  it('is not ready before it listens', () => {
    expect(plan('{containers: [{name: d, image: "x/examples-bookinfo-details-v1:1", ports: [{containerPort: 9080}]}]}').probes).toMatchObject([{ kind: 'startup', action: { tcp: { port: 9080 } }, period: 0.25 }]);
  });
});

describe('volumes', () => {
  const mounted = (volumes: string, mounts: string): PodPlan => plan(`{volumes: ${volumes}, containers: [{name: web, image: nginx, volumeMounts: ${mounts}}]}`);
  it('of config maps are read-only files', () => {
    const found = mounted('[{name: c, configMap: {name: settings, items: [{key: a.conf, path: sub/a, mode: 256}]}}]', '[{name: c, mountPath: /etc/c/}]');
    expect(found.volumes).toMatchObject([{ name: 'c', memory: false, files: [{ path: 'sub/a', mode: 256 }] }]);
    expect(found.apps[0]?.spec.mounts).toEqual([{ volume: 'c', target: '/etc/c', readOnly: true }]);
  });
  it('with subPath of a config map are copied in', () => {
    const found = mounted('[{name: c, configMap: {name: settings}}]', '[{name: c, mountPath: /etc/nginx/nginx.conf, subPath: a.conf}]');
    expect(found.apps[0]?.copies.map(({ path, content }) => [path, content.toString()])).toEqual([['etc/nginx/nginx.conf', 'one']]);
    expect(found.volumes).toEqual([]);
  });
  it('of emptyDir are writable by all, or in memory', () => {
    expect(mounted('[{name: e, emptyDir: {}}, {name: m, emptyDir: {medium: Memory, sizeLimit: 1Mi}}]', '[{name: e, mountPath: /e}, {name: m, mountPath: /m}]').volumes)
      .toMatchObject([{ name: 'e', memory: false, mode: 0o777 }, { name: 'm', memory: true, sizeBytes: 2 ** 20 }]);
  });
  it('tell of the pod', () => {
    expect(mounted('[{name: d, downwardAPI: {items: [{path: name, fieldRef: {fieldPath: metadata.name}}]}}]', '[{name: d, mountPath: /d}]').volumes[0]?.files.map(({ path, content }) => [path, content.toString()])).toEqual([['name', 'web-1']]);
  });
  it.each([
    ['subPath leads out', '[{name: c, emptyDir: {}}]', '[{name: c, mountPath: /x, subPath: ../../etc}]'],
    ['subPath is absolute', '[{name: c, emptyDir: {}}]', '[{name: c, mountPath: /x, subPath: /etc}]'],
    ['mountPath is relative', '[{name: c, emptyDir: {}}]', '[{name: c, mountPath: x}]'],
    ['mountPath leads up', '[{name: c, emptyDir: {}}]', '[{name: c, mountPath: /x/../../y}]'],
    ['mountPath is the root', '[{name: c, emptyDir: {}}]', '[{name: c, mountPath: //}]'],
    ['mountPath smuggles an option', '[{name: c, hostPath: {path: /x}}]', '[{name: c, mountPath: "/x:rw"}]'],
    ['an item’s path leads out', '[{name: c, configMap: {name: settings, items: [{key: a.conf, path: ../a}]}}]', '[{name: c, mountPath: /x}]'],
    ['a volume’s name leads out', '[{name: "../c", emptyDir: {}}]', '[{name: "../c", mountPath: /x}]'],
    ['there is no such volume', '[]', '[{name: c, mountPath: /x}]'],
    ['there is no such config map', '[{name: c, configMap: {name: absent}}]', '[{name: c, mountPath: /x}]'],
  ])('are refused when %s', (_, volumes, mounts) => {
    expect(() => mounted(volumes, mounts)).toThrowError(expect.objectContaining({ code: 'manifest-invalid' }));
  });
});

describe('probes', () => {
  it('get numbers for names of ports', () => {
    const found = plan('{containers: [{name: web, image: nginx, ports: [{name: http, containerPort: 8080}], readinessProbe: {exec: {command: [test, -f, /ok]}, periodSeconds: 2}, livenessProbe: {httpGet: {path: health, port: http}}}]}');
    expect(found.probes).toMatchObject([{ kind: 'readiness', action: { exec: { command: ['test', '-f', '/ok'] } }, period: 2 }, { kind: 'liveness', action: { http: { port: 8080, path: '/health' } }, period: 10, timeout: 1, failureThreshold: 3 }]);
    expect(found.apps[0]?.spec.health).toMatchObject({ command: ['test', '-f', '/ok'], interval: 2 });
  });
  it('by gRPC and their own time to end in are read', () => {
    const found = plan('{containers: [{name: web, image: nginx, startupProbe: {grpc: {port: 9000, service: shop}, failureThreshold: 30}, livenessProbe: {tcpSocket: {port: 8080}, terminationGracePeriodSeconds: 5}}]}');
    expect(found.probes).toMatchObject([{ kind: 'liveness', action: { tcp: { port: 8080 } }, grace: 5 }, { kind: 'startup', action: { grpc: { port: 9000, service: 'shop' } }, failureThreshold: 30 }]);
    expect(found.probes[1]).not.toHaveProperty('grace');
  });
});
