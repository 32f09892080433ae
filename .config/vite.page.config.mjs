// @ts-check
/** Bundles the dashboard's page out of its sources into `dist/src/dashboard/page/`: three files, nothing from outside. */
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));

export default defineConfig({
  root: `${root}src/dashboard/page`,
  base: './',
  logLevel: 'warn',
  plugins: [react()],
  resolve: { conditions: ['source', 'browser', 'module', 'import', 'default'] },
  build: {
    outDir: `${root}dist/src/dashboard/page`,
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: false,
    rolldownOptions: { output: { entryFileNames: 'page.js', assetFileNames: 'page[extname]' } },
  },
});
