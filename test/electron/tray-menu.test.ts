import type { MenuItemConstructorOptions } from 'electron';
import { describe, expect, it } from 'vitest';
import { trayMenu, trayTip } from '../../electron/tray-menu.ts';
import type { LabSummary } from '../../src/contract/index.ts';

const labs: readonly LabSummary[] = [{ name: 'bookinfo', phase: 'running', pods: 7, ready: 7 }, { name: 'shop', phase: 'starting', pods: 3, ready: 1 }, { name: 'old', phase: 'stopping', pods: 1, ready: 1 }];

describe('the tray’s menu', () => {
  it('lists every lab with its state, between the window and the way out', () => {
    const did: string[] = [];
    const menu = trayMenu(labs, { open: () => did.push('open'), remove: (lab) => did.push(`remove ${lab}`), quit: () => did.push('quit') });
    expect(menu.map(({ label, type }) => label ?? type)).toEqual(['Open Weft', 'separator', 'bookinfo: running, 7 pods', 'shop: starting, 1 of 3 pods ready', 'old: stopping, 1 pod', 'separator', 'Quit Weft (labs go on)']);
    const [open, , bookinfo, , old] = menu;
    const press = (item: { readonly click?: unknown } | undefined): void => { (item?.click as () => void)(); };
    press(open);
    const [show, remove] = bookinfo?.submenu as MenuItemConstructorOptions[];
    press(show);
    press(remove);
    press(menu.at(-1));
    expect(did).toEqual(['open', 'open', 'remove bookinfo', 'quit']);
    expect((old?.submenu as MenuItemConstructorOptions[])[1]?.enabled).toBe(false);
  });

  it('says so when nothing runs', () => {
    const menu = trayMenu([], { open: () => undefined, remove: () => undefined, quit: () => undefined });
    expect(menu[2]).toEqual({ label: 'No lab is running', enabled: false });
    expect(trayTip([])).toBe('Weft: no lab is running');
    expect(trayTip(labs)).toBe('Weft\nbookinfo: running, 7 pods\nshop: starting, 1 of 3 pods ready\nold: stopping, 1 pod');
  });
});
