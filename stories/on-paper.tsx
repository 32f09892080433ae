/** Where a component stands that is shown by itself: on the dashboard's paper. */
import type { Decorator } from '@storybook/react-vite';

export const onPaper: Decorator = (Story) => (
  <main className="hf-dashboard">
    <Story />
  </main>
);
