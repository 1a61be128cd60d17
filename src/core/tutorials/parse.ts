import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import type { Tutorial, TutorialStep } from '../../contract/index.ts';
import { action, type Action } from './actions.ts';
import { check, type Check } from './checks.ts';

/** A step with what it is checked by and what "do it for me" does. */
export interface Step extends TutorialStep {
  readonly checks: readonly Check[];
  readonly actions: readonly Action[];
}

/** A tutorial as its file says it. */
export interface Script extends Tutorial {
  readonly steps: readonly Step[];
}

const frontMatter = z.strictObject({ title: z.string(), summary: z.string(), minutes: z.number().int().min(1), sample: z.string(), order: z.number().int() });

/** A tutorial's Markdown, and where it stands among the others. */
export interface ParsedTutorial {
  readonly script: Script;
  readonly order: number;
}

/**
 * Reads a tutorial: YAML front matter, then one `## id: Title` for each step. Fences named `check`, `do` and `hint` are the step's checks
 * (all must hold at once), its "do it for me" and its hint; the rest is the text. Throws on anything else: tutorials ship with the app.
 */
export function parseTutorial(id: string, text: string): ParsedTutorial {
  const found = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(text);
  if (found === null) throw new Error(`${id}: no front matter.`);
  const [, head = '', body = ''] = found;
  const { order, ...front } = frontMatter.parse(parseYaml(head));
  const steps = body.split(/^## /m).slice(1).map((part) => parseStep(id, part));
  if (steps.length === 0) throw new Error(`${id}: no steps.`);
  if (new Set(steps.map((step) => step.id)).size !== steps.length) throw new Error(`${id}: two steps have the same id.`);
  return { script: { id, ...front, steps }, order };
}

function parseStep(tutorial: string, part: string): Step {
  const [heading = '', ...lines] = part.split('\n');
  const named = /^([a-z0-9-]+): (.+)$/.exec(heading.trim());
  if (named === null) throw new Error(`${tutorial}: “${heading}” is not “id: Title”.`);
  const [, id = '', title = ''] = named;
  const { text, fences } = takeFences(lines.join('\n'));
  const only = (name: string): string | undefined => fences.find((fence) => fence.name === name)?.body;
  const checks = parsePart(`${tutorial} ${id} check`, z.array(check).min(1), only('check'));
  const actions = only('do') === undefined ? [] : parsePart(`${tutorial} ${id} do`, z.array(action).min(1), only('do'));
  const hint = only('hint');
  return { id, title, text, ...(hint === undefined ? {} : { hint }), doable: actions.length > 0, checks, actions };
}

function parsePart<Value>(where: string, schema: z.ZodType<Value>, text: string | undefined): Value {
  const parsed = schema.safeParse(parseYaml(text ?? ''));
  if (!parsed.success) throw new Error(`${where}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

interface Fence {
  readonly name: string;
  readonly body: string;
}

/** A fence may be longer than three backticks, so that a hint can hold a fence of its own. */
function takeFences(markdown: string): { readonly text: string; readonly fences: readonly Fence[] } {
  const fences: Fence[] = [];
  const text = markdown.replaceAll(/^(`{3,})(check|do|hint)\n([\s\S]*?)^\1$\n?/gm, (_all, _ticks, name: string, body: string) => {
    fences.push({ name, body });
    return '';
  });
  return { text: text.trim(), fences };
}
