import { useMantineColorScheme } from '@mantine/core';
import { IconBox, IconDatabase, IconEraser, IconFileCode, IconKeyboard, IconMoon, IconPlayerPause, IconPlayerPlay, IconPlus, IconStack2, IconTopologyRing, IconX } from '@tabler/icons-react';
import { useMemo } from 'react';
import type { LabApi } from '../../../src/contract/index.ts';
import { useApi, useLab, useLabName, useMirror, useUi, useUiActions } from '../../lab/index.ts';
import { useAsync } from '../../ui/index.ts';
import type { Command } from '../../ui/command-palette.tsx';
import { openFirstRun } from '../first-run/open-first-run.ts';
import { views } from '../index.tsx';

/** Everything that can be gone to or done now: views, services, pods, files, labs, actions. */
export function useCommands(): readonly Command[] {
  const api = useApi();
  const lab = useLabName();
  const ui = useUiActions();
  const { selectLab } = useMirror();
  const services = useLab(state => state.status?.services ?? []);
  const pods = useLab(state => state.status?.pods ?? []);
  const labs = useLab(state => state.labs ?? []);
  const files = useAsync(() => (lab === '' ? Promise.resolve([]) : api.files({ lab })), lab).value;
  const actions = useActions(api, lab);
  return useMemo((): readonly Command[] => [
    ...views.map((view): Command => ({ id: `view ${view.id}`, title: view.title, hint: view.hint, group: 'Views', icon: view.icon, keys: view.key, run: () => ui.show(view.id) })),
    ...actions,
    ...services.map((service): Command => ({
      id: `service ${service.host}`, title: service.name, hint: service.host, group: 'Services', icon: IconTopologyRing,
      run: () => { ui.show('stage'); ui.select({ kind: 'node', id: `${service.namespace}/${service.name}` }); },
    })),
    ...pods.map((pod): Command => ({ id: `pod ${pod.namespace}/${pod.name}`, title: pod.name, hint: pod.ready ? 'ready' : pod.message ?? 'not ready', group: 'Pods', icon: IconStack2, run: () => ui.openPod(`${pod.namespace}/${pod.name}`) })),
    ...(files ?? []).map((file): Command => ({ id: `file ${file.path}`, title: file.path, group: 'Files', icon: IconFileCode, run: () => ui.openFile(file.path, 1) })),
    ...labs.filter(each => each.name !== lab).map((each): Command => ({ id: `lab ${each.name}`, title: `Show lab ${each.name}`, hint: each.phase, group: 'Labs', icon: IconBox, run: () => selectLab(each.name) })),
  ], [actions, services, pods, files, labs, lab, ui, selectLab]);
}

/** Things to do, as far as they make sense now. */
function useActions(api: LabApi, lab: string): readonly Command[] {
  const ui = useUiActions();
  const load = useLab(state => state.load);
  const faults = useLab(state => state.status?.switches.faults.length ?? 0);
  const paused = useUi(state => state.paused);
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const running = load?.running === true;
  return useMemo((): readonly Command[] => {
    const failed = (cause: unknown): void => ui.announce(cause instanceof Error ? cause.message : String(cause));
    const action = (id: string, title: string, icon: Command['icon'], run: () => void): Command => ({ id: `action ${id}`, title, group: 'Actions', icon, run });
    const ofLab = lab === '' ? [] : [
      running
        ? action('load', 'Stop the traffic', IconX, () => void api.stopLoad({ lab }).catch(failed))
        : action('load', 'Start traffic', IconPlayerPlay, () => void api.load({ lab, rps: load === undefined || load.rps === 0 ? 10 : load.rps, ...(load === undefined || load.url === '' ? {} : { url: load.url }) }).catch(failed)),
      action('pause', paused ? 'Go on with the stream' : 'Pause the stream', paused ? IconPlayerPlay : IconPlayerPause, ui.togglePaused),
      ...(faults > 0 ? [action('clear', 'Clear all faults', IconEraser, () => void api.switch({ lab, action: { kind: 'clear', what: 'faults' } }).catch(failed))] : []),
      action('reset', 'Clear everything that switches have written', IconDatabase, () => void api.switch({ lab, action: { kind: 'clear', what: 'all' } }).catch(failed)),
    ];
    const dark = colorScheme === 'dark' || (colorScheme === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches);
    return [
      ...ofLab,
      action('lab', 'Start another lab', IconPlus, () => openFirstRun(true)),
      action('theme', dark ? 'Light theme' : 'Dark theme', IconMoon, () => setColorScheme(dark ? 'light' : 'dark')),
      action('keys', 'All keys', IconKeyboard, () => ui.setHelp(true)),
    ];
  }, [api, lab, ui, load, running, paused, faults, colorScheme, setColorScheme]);
}
