import type { Meta, StoryObj } from '@storybook/react-vite';
import { expect } from 'storybook/test';
import { lockMachine } from '../machines/index.js';
import { LockStatechart } from '../src/dashboard/index.js';
import { definitionOf } from '../src/inspect/index.js';
import { onPaper } from './on-paper.js';

const meta: Meta<typeof LockStatechart> = {
  title: 'Lock statechart',
  component: LockStatechart,
  args: { definition: definitionOf(lockMachine) },
  decorators: [onPaper],
  play: async ({ canvas, canvasElement }) => {
    await expect(canvas.getByRole('img', { name: /^Statechart of lock, now in \w/ })).toBeVisible();
    await expect(canvasElement.querySelectorAll('.hf-state.hf-lit')).toHaveLength(1);
  },
};
export default meta;
type Story = StoryObj<typeof LockStatechart>;

export const Idle: Story = { args: { value: 'idle' } };

export const Waiting: Story = {
  args: {
    value: { waitingOnPredecessor: 'watching' },
    taken: ['idle', 'creatingNode', 'waitingOnPredecessor'],
  },
};

const TO_HELD = ['idle', 'creatingNode', 'waitingOnPredecessor', 'held'];

export const Held: Story = { args: { value: { held: 'confirmed' }, taken: TO_HELD } };

/** Cut off: the lock is held until its bound passes. */
export const Suspended: Story = { args: { value: { held: 'suspended' }, taken: TO_HELD } };

export const Released: Story = {
  args: { value: 'released', taken: [...TO_HELD, 'releasing', 'released'] },
};

export const Expired: Story = {
  args: { value: { expired: 'settled' }, taken: [...TO_HELD, 'expired'] },
};
