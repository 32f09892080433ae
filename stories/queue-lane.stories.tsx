import type { Meta, StoryObj } from '@storybook/react-vite';
import { expect } from 'storybook/test';
import { QueueLane } from '../src/dashboard/index.js';
import { lineOf, owners } from './boards.js';
import { onPaper } from './on-paper.js';

const meta: Meta<typeof QueueLane> = {
  title: 'Queue lane',
  component: QueueLane,
  decorators: [onPaper],
};
export default meta;
type Story = StoryObj<typeof QueueLane>;

export const Free: Story = {
  args: { line: lineOf('/locks/orders', []) },
  play: async ({ canvas }) => {
    await expect(canvas.getByText('nobody in line')).toBeVisible();
  },
};

export const OneHolder: Story = {
  args: { line: lineOf('/locks/orders', ['anna']) },
  play: async ({ canvas }) => {
    await expect(canvas.getByRole('list', { name: '1 contender at /locks/orders' })).toBeVisible();
  },
};

export const ReadersAndWriters: Story = {
  args: {
    line: lineOf('/locks/orders', owners(6), (owner) => ({ kind: owner === 'dmitri' ? 'write' : 'read' })),
  },
  play: async ({ canvasElement }) => {
    const holding = [...canvasElement.querySelectorAll('.hf-holding')].map(({ textContent }) => textContent);
    await expect(holding).toEqual(['Ranna', 'Rben', 'Rchloe']);
  },
};

export const TwoHundredContenders: Story = {
  args: { line: lineOf('/locks/orders', owners(200)), most: 24 },
  play: async ({ canvas }) => {
    await expect(canvas.getAllByRole('listitem')).toHaveLength(25);
    await expect(canvas.getByText('+176')).toBeVisible();
  },
};
