import type { Meta, StoryObj } from '@storybook/react-vite';
import { expect, fn } from 'storybook/test';
import { LockPage } from '../src/dashboard/lock-page.js';
import { boardOf, cardAfterTurns, lineOf, NOW, owners } from './boards.js';
import { onPaper } from './on-paper.js';

const PATH = '/locks/orders';

const meta: Meta<typeof LockPage> = {
  title: 'Lock page',
  component: LockPage,
  args: { path: PATH, nowMs: NOW, onBack: fn() },
  decorators: [onPaper],
};
export default meta;
type Story = StoryObj<typeof LockPage>;

export const NobodyThere: Story = {
  args: { card: undefined },
  play: async ({ args, canvas, userEvent }) => {
    await canvas.findByText('Nobody stands in this line.');
    await userEvent.click(canvas.getByRole('button', { name: '← all locks' }));
    await expect(args.onBack).toHaveBeenCalledOnce();
  },
};

export const OneHolder: Story = {
  args: { card: boardOf(lineOf(PATH, ['anna'])).cards.get(PATH) },
  play: async ({ canvas }) => {
    await canvas.findByText('Held by anna for 2.0 s, 0 waiting.');
  },
};

export const AfterManyTurns: Story = {
  args: { card: cardAfterTurns(PATH, owners(6)), readClaim: () => Promise.resolve('{"owner_id":"anna"}') },
  play: async ({ canvas, userEvent }) => {
    await canvas.findByRole('img', { name: 'Hand-overs: 15 remembered' });
    await canvas.findByRole('img', { name: /^Queue length: 6 now, at most 6/ });
    await canvas.findByRole('img', { name: /^Holders, latest last: / });
    const [first] = canvas.getAllByRole('button', { name: 'Data' });
    if (first !== undefined) await userEvent.click(first);
    await canvas.findByText('{"owner_id":"anna"}');
  },
};

export const TwoHundredContenders: Story = {
  args: { card: boardOf(lineOf(PATH, owners(200))).cards.get(PATH) },
  play: async ({ canvas }) => {
    await canvas.findByText(/, 199 waiting\.$/);
    await expect(canvas.getByText('+176')).toBeVisible();
  },
};

const breakClaim = fn(() => Promise.resolve());

/** The dashboard was started with `--allow-break`. */
export const Breaking: Story = {
  args: { card: boardOf(lineOf(PATH, ['anna', 'ben'])).cards.get(PATH), actions: { breakClaim } },
  play: async ({ canvas, userEvent }) => {
    breakClaim.mockClear();
    const [first] = canvas.getAllByRole('button', { name: 'Break' });
    if (first !== undefined) await userEvent.click(first);
    await canvas.findByRole('form', { name: 'break the claim of anna' });
    await userEvent.click(canvas.getByRole('button', { name: 'Break it' }));
    // A name is asked for.
    await expect(breakClaim).not.toHaveBeenCalled();
    await userEvent.type(canvas.getByLabelText('Who are you?'), 'olga');
    await userEvent.type(canvas.getByLabelText('Why?'), 'it hangs');
    await userEvent.click(canvas.getByRole('button', { name: 'Break it' }));
    await expect(breakClaim).toHaveBeenCalledWith(`${PATH}/lock-anna`, 'olga', 'it hangs');
  },
};

export const BreakingFails: Story = {
  args: {
    card: boardOf(lineOf(PATH, ['anna'])).cards.get(PATH),
    actions: { breakClaim: () => Promise.reject(new Error('not connected to ZooKeeper')) },
  },
  play: async ({ canvas, userEvent }) => {
    await userEvent.click(canvas.getByRole('button', { name: 'Break' }));
    await userEvent.type(canvas.getByLabelText('Who are you?'), 'olga');
    await userEvent.click(canvas.getByRole('button', { name: 'Break it' }));
    await expect(await canvas.findByRole('alert')).toHaveTextContent('not connected to ZooKeeper');
  },
};
