import { expect, it } from 'vitest';
import { containerName, podName, templateHash } from '../../../src/core/pods/names.ts';

const hash = templateHash('anything');

it.each([
  ['Deployment', 'reviews-v1', /^reviews-v1-[a-z0-9]{10}-[a-z0-9]{5}$/],
  ['DaemonSet', 'agent', /^agent-[a-z0-9]{5}$/],
  ['StatefulSet', 'db', /^db-0$/],
  ['Pod', 'one', /^one$/],
] as const)('a pod of a %s has Kubernetes’ kind of name', (kind, workload, shape) => {
  expect(podName(kind, workload, hash, 0)).toMatch(shape);
});
it('is the same for the same template and number, and another for the next attempt', () => {
  expect(podName('Deployment', 'a', hash, 1)).toBe(podName('Deployment', 'a', hash, 1));
  expect(new Set([0, 1, 2].flatMap((ordinal) => [0, 1].map((attempt) => podName('Deployment', 'a', hash, ordinal, attempt)))).size).toBe(6);
});
it('fits a host name', () => {
  expect(podName('Deployment', 'x'.repeat(200), hash, 0).length).toBe(63);
});
it.each(['../x', 'A', 'a/b', '', 'a b', 'a..b', '-a'])('refuses the workload “%s”', (workload) => {
  expect(() => podName('Deployment', workload, hash, 0)).toThrowError(expect.objectContaining({ code: 'manifest-invalid' }));
});
it('names containers so that nothing of another lab is met', () => {
  expect(containerName('demo', 'default/web-1', 'web')).toBe('weft-demo_default_web-1_web');
  expect(containerName('demo', 'a-b/c', 'd')).not.toBe(containerName('demo', 'a/b-c', 'd'));
});
