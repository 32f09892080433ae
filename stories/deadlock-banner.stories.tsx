import type { Meta, StoryObj } from '@storybook/react-vite';
import { expect, fn } from 'storybook/test';
import { DeadlockBanner, deadlocksOn } from '../src/dashboard/index.js';
import { boardOf, DEADLOCK, lineOf } from './boards.js';
import { onPaper } from './on-paper.js';

const meta: Meta<typeof DeadlockBanner> = {
  title: 'Deadlock banner',
  component: DeadlockBanner,
  args: { onOpen: fn() },
  decorators: [onPaper],
};
export default meta;
type Story = StoryObj<typeof DeadlockBanner>;

export const None: Story = {
  args: { deadlocks: [] },
  play: async ({ canvas }) => {
    await expect(canvas.queryByRole('alert')).toBeNull();
  },
};

export const OfTwo: Story = {
  args: { deadlocks: deadlocksOn(boardOf(...DEADLOCK)) },
  play: async ({ args, canvas, userEvent }) => {
    await expect(canvas.getByRole('alert')).toHaveTextContent('1 deadlock');
    await userEvent.click(canvas.getByRole('button', { name: '/locks/orders' }));
    await expect(args.onOpen).toHaveBeenCalledWith('/locks/orders');
  },
};

const inOneProcess = () => ({ host: 'app-1', pid: 1 });

export const OfThree: Story = {
  args: {
    deadlocks: deadlocksOn(
      boardOf(
        lineOf('/locks/orders', ['anna', 'ben'], inOneProcess),
        lineOf('/locks/billing', ['ben', 'chloe'], inOneProcess),
        lineOf('/locks/stock', ['chloe', 'anna'], inOneProcess),
      ),
    ),
  },
  play: async ({ canvas }) => {
    await expect(canvas.getAllByRole('button')).toHaveLength(3);
  },
};
