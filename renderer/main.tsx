import './ui/no-eval.ts';
import '@fontsource-variable/inter/index.css';
import '@fontsource-variable/jetbrains-mono/index.css';
import '@mantine/core/styles.css';
import './ui/tokens.css';
import './ui/base.css';
import { MantineProvider } from '@mantine/core';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { chooseConnect, type Connect, type PreloadBridge } from './lab/connect.ts';
import { LabProvider } from './lab/index.ts';
import { createMirror } from './lab/mirror.ts';
import { createUiStore } from './lab/ui-state.ts';
import { Shell } from './shell/shell.tsx';
import { createKeyMap, KeysProvider } from './ui/keys.tsx';
import { theme, variablesResolver } from './ui/theme.ts';

const now = (): number => Date.now();

/** The real lab, or (in development, with `?fake`) one that plays Bookinfo. */
async function connection(): Promise<Connect> {
  if (__FAKE__ && new URLSearchParams(location.search).has('fake')) {
    const { connectFake } = await import('../test/fakes/connect.ts');
    return connectFake(new URLSearchParams(location.search));
  }
  return chooseConnect({
    bridge: (window as { readonly weft?: PreloadBridge }).weft,
    location, session: sessionStorage,
    replaceUrl: url => history.replaceState(null, '', url),
    openSocket: url => new WebSocket(url),
  });
}

async function start(root: HTMLElement): Promise<void> {
  const mirror = createMirror({
    connect: await connection(), now,
    later: (run, milliseconds) => { const timer = setTimeout(run, milliseconds); return () => clearTimeout(timer); },
  });
  createRoot(root).render(
    <StrictMode>
      <MantineProvider theme={theme} cssVariablesResolver={variablesResolver} defaultColorScheme="auto">
        <KeysProvider map={createKeyMap()}>
          <LabProvider mirror={mirror} ui={createUiStore(now)}><Shell /></LabProvider>
        </KeysProvider>
      </MantineProvider>
    </StrictMode>,
  );
}

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root.');
await start(root);
