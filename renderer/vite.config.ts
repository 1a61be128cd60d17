import react from '@vitejs/plugin-react';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/**
 * The window's bundle. Paths are relative, so that one build serves `app://` and http alike. Mode `fake` (and `vite dev`)
 * adds a lab that plays Bookinfo, chosen with `?fake`; the shipped build has none of it.
 */
export default defineConfig(({ mode, command }) => ({
  root: folder('.'),
  base: './',
  publicDir: folder('../assets/icons'),
  plugins: [react()],
  define: { __FAKE__: JSON.stringify(mode === 'fake' || command === 'serve') },
  server: { fs: { allow: [folder('..')] } },
  worker: { format: 'es' },
  build: {
    outDir: folder(mode === 'fake' ? '../dist/renderer-fake' : '../dist/renderer'),
    emptyOutDir: true,
    target: 'es2023',
    copyPublicDir: true,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 2000,
  },
}));
