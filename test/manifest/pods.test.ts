import { describe, expect, it } from 'vitest';
import { consentNeeded, injected, podTemplates } from '../../src/manifest/index.ts';
import { parseText } from './files.ts';

const deployment = (spec: string, labels = ''): string => `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata:
      labels: { app: web${labels} }
    spec:
${spec.split('\n').map((line) => `      ${line}`).join('\n')}`;

describe('pod templates', () => {
  it('come from every workload, with their defaults', () => {
    const { resources } = parseText(`${deployment('containers: [{ name: app, image: web:1, ports: [{ containerPort: 80 }], readinessProbe: { httpGet: { path: /ready, port: http } } }]')}
---
apiVersion: v1
kind: Pod
metadata: { name: solo, labels: { app: solo } }
spec: { serviceAccountName: sol, containers: [{ name: app, image: solo }] }
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: db }
spec: { replicas: 3, serviceName: db, template: { spec: { containers: [] } } }
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: agent }
spec: { template: { spec: { containers: [] } } }`);
    expect(podTemplates(resources).map(({ kind, namespace, workload, replicas, labels, serviceAccount }) => [kind, namespace, workload, replicas, labels, serviceAccount])).toEqual([
      ['Deployment', 'shop', 'web', 2, { app: 'web' }, 'default'],
      ['Pod', 'default', 'solo', 1, { app: 'solo' }, 'sol'],
      ['StatefulSet', 'default', 'db', 3, {}, 'default'],
      ['DaemonSet', 'default', 'agent', 1, {}, 'default'],
    ]);
    expect(podTemplates(resources)[0]?.spec.containers[0]).toMatchObject({
      command: [], args: [], env: [], ports: [{ containerPort: 80, protocol: 'TCP', name: '' }],
      readinessProbe: { httpGet: { path: '/ready', port: 'http', scheme: 'HTTP' }, periodSeconds: 10, timeoutSeconds: 1, successThreshold: 1, failureThreshold: 3 },
    });
  });

  it.each([
    ['', undefined, true],
    [', sidecar.istio.io/inject: "false"', undefined, false],
    ['', 'disabled', false],
    ['', 'enabled', true],
    [', sidecar.istio.io/inject: "true"', 'disabled', true],
  ])('with labels%s in a namespace with injection %s: injected is %s', (labels, word, expected) => {
    const [template] = podTemplates(parseText(deployment('containers: []', labels)).resources);
    const [namespace] = parseText(`apiVersion: v1\nkind: Namespace\nmetadata: { name: shop, labels: { ${word === undefined ? '' : `istio-injection: ${word}`} } }`).resources;
    expect(template !== undefined && injected(template, namespace)).toBe(expected);
  });
});

describe('consent', () => {
  it.each([
    ['hostNetwork: true', 'hostNetwork', 11],
    ['hostPID: true', 'hostPID', 11],
    ['hostIPC: true', 'hostIPC', 11],
    ['securityContext: { runAsUser: 1337 }', 'runAsUser 1337', 11],
    ['volumes:\n- name: v\n  hostPath: { path: / }', 'hostPath /', 13],
    ['volumes:\n- name: v\n  hostPath: { path: /var/run/docker.sock }', 'hostPath /var/run/docker.sock', 13],
    ['containers:\n- name: c\n  securityContext:\n    privileged: true', 'privileged container c', 14],
    ['containers:\n- name: c\n  securityContext:\n    capabilities:\n      add: [NET_ADMIN]', 'capability NET_ADMIN of container c', 15],
    ['initContainers:\n- name: i\n  securityContext: { runAsUser: 1337 }', 'runAsUser 1337 of container i', 13],
    ['containers:\n- name: c\n  volumeDevices: [{ name: d, devicePath: /dev/sda }]', 'devices of container c', 13],
  ])('is needed for %s', (spec, item, line) => {
    const asked = parseText(deployment(spec)).resources.flatMap(consentNeeded);
    expect(asked.map(({ item: found, file, line: at }) => `${found} ${file}:${at}`)).toEqual([`Deployment shop/web: ${item} test.yaml:${line}`]);
  });

  it('is not needed for ordinary pods', () => {
    const spec = 'securityContext: { runAsUser: 1000, fsGroup: 2000 }\nvolumes: [{ name: v, emptyDir: {} }, { name: c, configMap: { name: c } }]\ncontainers:\n- name: c\n  image: i\n  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: [ALL] } }';
    expect(parseText(deployment(spec)).resources.flatMap(consentNeeded)).toEqual([]);
  });
});
