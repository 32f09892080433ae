/** Storybook: our stories, nothing from outside, nothing told to anybody. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { StorybookConfig } from '@storybook/react-vite';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** `#dial` and its like as a page has them, from the sources: a live story has a whole ZooKeeper inside. */
function pagesOwn(): Record<string, string> {
  const { imports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
    imports: Record<string, { source: string }>;
  };
  return Object.fromEntries(
    Object.entries(imports).map(([name, { source }]) => [
      name,
      `${root}${source.replace('./', '').replace('.ts', '.browser.ts')}`,
    ]),
  );
}

const configuration: StorybookConfig = {
  stories: ['../*.stories.tsx'],
  addons: ['@storybook/addon-a11y'],
  framework: '@storybook/react-vite',
  core: { disableTelemetry: true, disableWhatsNewNotifications: true },
  typescript: { reactDocgen: false },
  viteFinal: (vite) => ({
    ...vite,
    logLevel: 'warn',
    build: { ...vite.build, chunkSizeWarningLimit: 2_000 },
    // Storybook looks for the stories' packages from where it was started, and so finds no story.
    optimizeDeps: { ...vite.optimizeDeps, entries: ['.storybook/preview.ts', '*.stories.tsx'] },
    resolve: { ...vite.resolve, alias: pagesOwn(), dedupe: ['react', 'react-dom', 'rxjs', 'xstate'] },
  }),
};
export default configuration;
