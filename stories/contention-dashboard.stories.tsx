import type { Meta, StoryObj } from '@storybook/react-vite';
import { NEVER, of } from 'rxjs';
import { expect } from 'storybook/test';
import { ContentionDashboard } from '../src/dashboard/index.js';
import { boardOf, DEADLOCK, lineOf, NOW, owners, staleBoardOf } from './boards.js';

const meta: Meta<typeof ContentionDashboard> = {
  title: 'Contention dashboard',
  component: ContentionDashboard,
  args: { title: 'zk1:2181' },
};
export default meta;
type Story = StoryObj<typeof ContentionDashboard>;

export const Connecting: Story = {
  args: { board$: NEVER },
  play: async ({ canvas }) => {
    await expect(canvas.getByRole('status')).toHaveTextContent('connecting …');
  },
};

export const Empty: Story = {
  args: { board$: of(boardOf()) },
  play: async ({ canvas }) => {
    await canvas.findByText('Nobody holds or waits for a lock here.');
  },
};

export const OneHolder: Story = {
  args: { board$: of(boardOf(lineOf('/locks/orders', ['anna']))) },
  play: async ({ canvas }) => {
    await canvas.findByRole('button', { name: /^\/locks\/orders: held by anna for .*, nobody waits$/ });
  },
};

export const LongQueue: Story = {
  args: {
    board$: of(
      boardOf(
        lineOf('/locks/quiet', ['anna']),
        lineOf('/locks/free', []),
        lineOf('/locks/busy', owners(40)),
        lineOf('/locks/readers', owners(5), () => ({ kind: 'read' })),
      ),
    ),
  },
  play: async ({ canvas }) => {
    await canvas.findByRole('button', { name: /busy: held by anna/ });
    const [, first] = canvas.getAllByRole('button');
    await expect(first).toHaveAccessibleName(/^\/locks\/busy: held by anna for .*, 39 wait, /);
    await expect(canvas.getByText('+32')).toBeVisible();
  },
};

export const TwoHundredContenders: Story = {
  args: { board$: of(boardOf(lineOf('/locks/orders', owners(200)))) },
  play: async ({ canvas, userEvent }) => {
    await canvas.findByText('1 lock, 199 waiting');
    await userEvent.click(canvas.getByRole('button', { name: /^\/locks\/orders/ }));
    await canvas.findByText(/^Held by anna for .*, 199 waiting\.$/);
  },
};

export const TwoHundredLocks: Story = {
  args: {
    board$: of(
      boardOf(...owners(200).map((name, index) => lineOf(`/locks/of-${name}`, owners(1 + (index % 4))))),
    ),
  },
  play: async ({ canvas, userEvent }) => {
    await canvas.findByText('200 locks, 300 waiting');
    await userEvent.type(canvas.getByRole('searchbox'), 'of-hiro-12');
    await canvas.findByText('200 locks, 300 waiting, 1 found');
  },
};

export const Deadlock: Story = {
  args: { board$: of(boardOf(...DEADLOCK, lineOf('/locks/other', owners(3)))) },
  play: async ({ canvas }) => {
    const alert = await canvas.findByRole('alert');
    await expect(alert).toHaveTextContent('1 deadlock');
    await expect(alert).toHaveTextContent('anna waits at /locks/billing for ben');
    await expect(alert).toHaveTextContent('ben waits at /locks/orders for anna');
  },
};

export const ClientsThatDoNotSeeEachOther: Story = {
  args: {
    board$: of(
      boardOf({
        ...lineOf('/locks/orders', ['anna', 'ben'], (owner) => ({
          dialect: owner === 'anna' ? 'curator' : 'kazoo',
        })),
        unsafeMix: true,
      }),
    ),
  },
  play: async ({ canvas }) => {
    await canvas.findByText(/two may hold at once/);
  },
};

export const Stale: Story = {
  args: { board$: of(staleBoardOf(lineOf('/locks/orders', owners(3)))) },
  play: async ({ canvas }) => {
    await canvas.findByRole('button', { name: /^\/locks\/orders: held by anna/ });
    await expect(canvas.getByRole('status')).toHaveTextContent(/^not connected: as of .+ ago$/);
  },
};

/** The claims of a Curator queue with a time to live that ends soon. */
export const EndsSoon: Story = {
  args: {
    board$: of(boardOf(lineOf('/locks/orders', ['anna', 'ben'], () => ({ endsMs: NOW + 90_000 })))),
    selected: '/locks/orders',
  },
  play: async ({ canvas }) => {
    await expect((await canvas.findAllByText(/^in 1 min/)).length).toBe(2);
  },
};
