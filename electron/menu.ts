import { Menu, type MenuItemConstructorOptions } from 'electron';

/** The application menu: standard roles, so that every platform's shortcuts work, and links to the documentation. */
export function applicationMenu(platform: NodeJS.Platform, openExternal: (url: string) => void): Menu {
  const mac = platform === 'darwin';
  const link = (label: string, url: string): MenuItemConstructorOptions => ({ label, click: () => openExternal(url) });
  return Menu.buildFromTemplate([
    ...(mac ? [{ role: 'appMenu' } as const] : []),
    { label: '&File', submenu: [mac ? { role: 'close' } : { role: 'quit' }] },
    { role: 'editMenu' },
    {
      label: '&View',
      submenu: [
        { role: 'reload' }, { role: 'toggleDevTools' }, { type: 'separator' },
        { role: 'resetZoom' }, { role: 'zoomIn' }, { role: 'zoomOut' }, { type: 'separator' }, { role: 'togglefullscreen' },
      ],
    },
    { role: 'windowMenu' },
    {
      role: 'help',
      submenu: [
        link('Istio: traffic management', 'https://istio.io/latest/docs/concepts/traffic-management/'),
        link('Istio: configuration reference', 'https://istio.io/latest/docs/reference/config/networking/'),
        link('Envoy: response flags', 'https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage#response-flags'),
        ...(mac ? [] : [{ type: 'separator' } as const, { role: 'about' } as const]),
      ],
    },
  ]);
}
