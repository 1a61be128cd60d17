import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Sample } from '../contract/index.ts';
import type { SourceFile } from '../manifest/index.ts';

const description = z.strictObject({ title: z.string(), summary: z.string(), path: z.string().startsWith('/') });

/** The order in which they are offered; what is not named comes after, by name. */
const order = ['bookinfo', 'helloworld', 'httpbin', 'tcp-echo'];

/** Reads the labs that ship with the app: a folder each, with `lab.json` and YAML files. */
export async function readSamples(folder: string): Promise<readonly Sample[]> {
  const names = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const rank = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length);
  names.sort((one, two) => rank(one) - rank(two) || one.localeCompare(two));
  return await Promise.all(names.map((name) => readSample(join(folder, name), name)));
}

async function readSample(folder: string, name: string): Promise<Sample> {
  const { title, summary, path } = description.parse(JSON.parse(await readFile(join(folder, 'lab.json'), 'utf8')));
  const yaml = (await readdir(folder)).filter((file) => file.endsWith('.yaml')).sort();
  const files = await Promise.all(yaml.map(async (file): Promise<SourceFile> => ({ path: file, text: await readFile(join(folder, file), 'utf8') })));
  return { name, title, summary, path, files };
}
