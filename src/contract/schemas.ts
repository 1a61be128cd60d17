import { z } from 'zod';
import type { LabApi } from './api.ts';

const lab = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/, 'A lab’s name has lower-case letters, digits and dashes, at most 40.');
const file = z.strictObject({ path: z.string().min(1).max(1024), text: z.string().max(16 * 1024 * 1024), namespace: z.string().max(63).exactOptional() });
const files = z.array(file).max(2000);
const percent = z.number().min(0).max(100);
const fault = { delay: z.strictObject({ milliseconds: z.number().min(0).max(3_600_000), percent }).exactOptional(), abort: z.strictObject({ status: z.number().int().min(200).max(599), percent }).exactOptional() };
const action = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('fault'), host: z.string(), namespace: z.string(), ...fault }),
  z.strictObject({ kind: z.literal('weights'), host: z.string(), namespace: z.string(), weights: z.record(z.string(), z.number().int().min(0).max(100)) }),
  z.strictObject({ kind: z.literal('mtls'), namespace: z.string(), mode: z.enum(['STRICT', 'PERMISSIVE', 'DISABLE']).exactOptional() }),
  z.strictObject({ kind: z.literal('clear'), what: z.enum(['faults', 'all']) }),
]);
const call = z.strictObject({ from: z.string(), method: z.string(), url: z.string(), headers: z.array(z.tuple([z.string(), z.string()])) });
const pod = z.string().min(1).max(256);
const size = z.number().int().min(1).max(1000);

/** The allow-list of LabApi: every callable name with the shape of its argument. */
export const schemas: { readonly [Name in keyof LabApi]: z.ZodType<Parameters<LabApi[Name]>[0]> } = {
  preflight: z.object({}),
  samples: z.object({}),
  labs: z.object({}),
  up: z.strictObject({ lab, files, sample: z.string().exactOptional(), images: z.enum(['auto', 'pull', 'stand-in']).exactOptional(), consent: z.array(z.string()).exactOptional() }),
  down: z.strictObject({ lab }),
  operation: z.strictObject({ id: z.string() }),
  cancel: z.strictObject({ id: z.string() }),
  status: z.strictObject({ lab }),
  files: z.strictObject({ lab }),
  apply: z.strictObject({ lab, files, dryRun: z.boolean().exactOptional(), consent: z.array(z.string()).exactOptional() }),
  delete: z.strictObject({ lab, files }),
  get: z.strictObject({ lab, kind: z.string(), name: z.string().exactOptional(), namespace: z.string().exactOptional() }),
  analyze: z.strictObject({ lab: lab.exactOptional(), files: files.exactOptional() }),
  explain: z.strictObject({ lab: lab.exactOptional(), files: files.exactOptional(), call }),
  switch: z.strictObject({ lab, action, dryRun: z.boolean().exactOptional() }),
  proxyConfig: z.strictObject({ lab, proxy: pod, section: z.enum(['listeners', 'routes', 'clusters', 'endpoints', 'secrets']) }),
  records: z.strictObject({ lab, limit: z.number().int().min(1).max(10_000).exactOptional(), before: z.number().exactOptional(), text: z.string().exactOptional(), outcome: z.string().exactOptional(), service: z.string().exactOptional() }),
  trace: z.strictObject({ lab, id: z.string().max(256).exactOptional() }),
  graph: z.strictObject({ lab }),
  upstreams: z.strictObject({ lab }),
  metrics: z.strictObject({ lab }),
  load: z.strictObject({ lab, rps: z.number().min(0.1).max(2000), seconds: z.number().min(1).max(86_400).exactOptional(), url: z.string().exactOptional(), method: z.string().exactOptional(), headers: z.record(z.string(), z.string()).exactOptional() }),
  stopLoad: z.strictObject({ lab }),
  logs: z.strictObject({ lab, pod, container: z.string().exactOptional(), tail: z.number().int().min(0).max(100_000).exactOptional(), follow: z.boolean().exactOptional() }),
  exec: z.strictObject({ lab, pod, container: z.string().exactOptional(), command: z.array(z.string()).min(1), tty: z.boolean(), columns: size.exactOptional(), rows: size.exactOptional() }),
  write: z.strictObject({ stream: z.string(), data: z.string().max(1024 * 1024) }),
  resize: z.strictObject({ stream: z.string(), columns: size, rows: size }),
  close: z.strictObject({ stream: z.string() }),
  restart: z.strictObject({ lab, pod }),
  tutorials: z.object({}),
  tutorial: z.strictObject({ lab, tutorial: z.string() }),
  tutorialStart: z.strictObject({ lab, tutorial: z.string(), fresh: z.boolean().exactOptional() }),
  tutorialDo: z.strictObject({ lab, tutorial: z.string() }),
  watch: z.strictObject({ lab }),
  unwatch: z.strictObject({ lab }),
};
