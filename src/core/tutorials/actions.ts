import { z } from 'zod';
import { LabFailure, schemas, type ApplyResult, type LabApi, type SwitchAction } from '../../contract/index.ts';

const switchAction = z.custom<SwitchAction>((value) => schemas.switch.safeParse({ lab: 'any', action: value }).success, 'is no action of a switch');

/** What "do it for me" can do: the same things that a person can. */
export const action = z.union([
  z.strictObject({ load: z.strictObject({ rps: z.number(), seconds: z.number().exactOptional(), url: z.string().exactOptional(), headers: z.record(z.string(), z.string()).exactOptional() }) }),
  z.strictObject({ stopLoad: z.literal(true) }),
  z.strictObject({ switch: switchAction }),
  /** Text by path. */
  z.strictObject({ apply: z.record(z.string(), z.string()) }),
  /** Paths whose resources are removed; those that are not there are none to remove. */
  z.strictObject({ delete: z.array(z.string()) }),
]);
export type Action = z.infer<typeof action>;

/** The part of LabApi that tutorials use. */
export type TutorialApi = Pick<LabApi, 'load' | 'stopLoad' | 'switch' | 'apply' | 'delete' | 'files'>;

/** Does one action after the other. @throws LabFailure `manifest-invalid` when the lab refuses a change of its manifests. */
export async function perform(api: TutorialApi, lab: string, actions: readonly Action[]): Promise<void> {
  for (const each of actions) await performOne(api, lab, each);
}

async function performOne(api: TutorialApi, lab: string, each: Action): Promise<void> {
  if ('load' in each) await api.load({ lab, ...each.load });
  else if ('stopLoad' in each) await api.stopLoad({ lab });
  else if ('switch' in each) taken(await api.switch({ lab, action: each.switch }));
  else if ('apply' in each) taken(await api.apply({ lab, files: Object.entries(each.apply).map(([path, text]) => ({ path, text })) }));
  else {
    const files = (await api.files({ lab })).filter(({ path }) => each.delete.includes(path));
    if (files.length > 0) taken(await api.delete({ lab, files }));
  }
}

function taken({ applied, diagnostics }: ApplyResult): void {
  if (applied) return;
  const wrong = diagnostics.find(({ level }) => level === 'error');
  throw new LabFailure('manifest-invalid', `Nothing was applied. ${wrong === undefined ? 'The lab refused the change.' : `${wrong.file}:${wrong.line}: ${wrong.message}`}`, { help: 'Mend the manifest, or do the step by hand.', diagnostics });
}
