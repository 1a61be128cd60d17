import { shell, type App, type Session, type WebContents } from 'electron';
import { isDocumentation, isIngress, isOwn } from './origin.ts';

/**
 * Takes from pages what they never need: permissions, devices, other origins, new windows, downloads.
 * Writing sanitised text to the clipboard is the one permission that a copy button needs.
 */
export function lockSession(session: Session): void {
  const granted = (permission: string, url: string): boolean => permission === 'clipboard-sanitized-write' && isOwn(url);
  session.setPermissionRequestHandler((_contents, permission, done, details) => done(granted(permission, details.requestingUrl)));
  session.setPermissionCheckHandler((_contents, permission, requestingOrigin) => granted(permission, `${requestingOrigin}/`));
  session.setDevicePermissionHandler(() => false);
  session.setSpellCheckerEnabled(false);
  // The page speaks to core over IPC and to nobody else; DevTools load their own files.
  session.webRequest.onBeforeRequest((details, done) => done({ cancel: !isOwn(details.url) && !/^(devtools|data|blob):/.test(details.url) }));
  session.on('will-download', (event) => event.preventDefault());
}

/** Keeps every page of the app, present and future, where it is. Links to documentation and to a lab's ingress open in the person's browser. */
export function lockContents(app: App, openExternal: (url: string) => Promise<void> = (url) => shell.openExternal(url)): void {
  app.on('web-contents-created', (_event, contents: WebContents) => {
    contents.on('will-navigate', (event) => stay(event));
    contents.on('will-frame-navigate', (event) => stay(event));
    contents.on('will-redirect', (event) => stay(event));
    contents.on('will-attach-webview', (event) => event.preventDefault());
    contents.setWindowOpenHandler(({ url }) => {
      // A browser that is missing is the person's to notice: nothing opens.
      if (isDocumentation(url) || isIngress(url)) openExternal(url).catch(() => undefined);
      return { action: 'deny' };
    });
  });
}

/** Reloading our own page is the only navigation. */
function stay(event: { readonly url: string; preventDefault(): void }): void {
  if (!isOwn(event.url)) event.preventDefault();
}
