/** How every story is shown: as in somebody's page, and an accessibility trouble is an error. */
import type { Preview } from '@storybook/react-vite';
import { configure } from 'storybook/test';
import 'uplot/dist/uPlot.min.css';
import '../../src/dashboard/dashboard.css';
import './preview.css';

/** Long for a page: a machine with much to do. What is waited for comes as soon as it comes. */
configure({ asyncUtilTimeout: 30_000 });

const preview: Preview = {
  parameters: {
    layout: 'fullscreen',
    a11y: {
      test: 'error',
      // A row of the list is one button with a dozen figures on it: its name begins with the path, which is what one would say to
      // press it, and then is a sentence instead of the figures.
      config: { rules: [{ id: 'label-content-name-mismatch', enabled: false }] },
    },
  },
};
export default preview;
