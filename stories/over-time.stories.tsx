import type { Meta, StoryObj } from '@storybook/react-vite';
import { expect } from 'storybook/test';
import { HandoverChart, HolderTimeline, QueueLengthChart, Sparkline } from '../src/dashboard/index.js';
import { boardOf, cardAfterTurns, lineOf, NOW, owners } from './boards.js';
import { onPaper } from './on-paper.js';

const meta: Meta = {
  title: 'Over time',
  decorators: [onPaper],
};
export default meta;

const turns = cardAfterTurns('/locks/orders', owners(6));
const fresh = boardOf(lineOf('/locks/orders', ['anna'])).cards.get('/locks/orders');

export const HolderTimelineAfterManyTurns: StoryObj = {
  render: () => <HolderTimeline spans={turns.spans} nowMs={NOW} />,
  play: async ({ canvas }) => {
    await expect(canvas.getByRole('img')).toHaveAccessibleName(/, then .+ for 4\.0 s, then /);
  },
};

export const HolderTimelineFromBefore: StoryObj = {
  render: () => <HolderTimeline spans={fresh?.spans ?? []} nowMs={NOW} />,
  play: async ({ canvas }) => {
    await expect(canvas.getByRole('img')).toHaveAccessibleName('Holders, latest last: anna from before');
  },
};

export const HolderTimelineEmpty: StoryObj = {
  render: () => <HolderTimeline spans={[]} nowMs={NOW} />,
  play: async ({ canvas }) => {
    await expect(canvas.getByRole('img')).toHaveAccessibleName('Holders, latest last: nobody');
  },
};

export const HandOvers: StoryObj = {
  render: () => <HandoverChart handOvers={turns.handOvers} />,
  play: async ({ canvas }) => {
    await expect(canvas.getByRole('img', { name: 'Hand-overs: 15 remembered' })).toBeVisible();
  },
};

export const HandOversNone: StoryObj = {
  render: () => <HandoverChart handOvers={[]} />,
  play: async ({ canvas }) => {
    await expect(canvas.getByText('None seen yet.')).toBeVisible();
  },
};

export const QueueLength: StoryObj = {
  render: () => <QueueLengthChart lengths={turns.lengths} nowMs={NOW} />,
  play: async ({ canvas }) => {
    await expect(canvas.getByRole('img', { name: 'Queue length: 6 now, at most 6' })).toBeVisible();
  },
};

export const QueueLengthOfAMoment: StoryObj = {
  render: () => <QueueLengthChart lengths={fresh?.lengths ?? []} nowMs={NOW} />,
  play: async ({ canvas }) => {
    await expect(canvas.getByRole('img', { name: 'Queue length: 1 now, at most 1' })).toBeVisible();
  },
};

export const QueueLengthInAWord: StoryObj = {
  render: () => <Sparkline lengths={turns.lengths} nowMs={NOW} />,
  play: async ({ canvasElement }) => {
    await expect(canvasElement.querySelector('.hf-sparkline path')?.getAttribute('d')).toMatch(/^M.+H/);
  },
};
