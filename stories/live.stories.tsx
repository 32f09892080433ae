import type { Meta, StoryObj } from '@storybook/react-vite';
import { expect, within } from 'storybook/test';
import { SeveralContenders } from './several-contenders.js';
import { makeWorld, type World } from './world.js';

/** Nothing is drawn by hand here: a ZooKeeper runs in this page, and each contender has a session on it. */
const meta: Meta<typeof SeveralContenders> = {
  title: 'Live',
  component: SeveralContenders,
  loaders: [async () => ({ world: await makeWorld(['anna', 'ben', 'chloe']) })],
  beforeEach:
    ({ loaded }) =>
    () =>
      (loaded as { world: World }).world.close(),
  render: (_, { loaded }) => <SeveralContenders world={(loaded as { world: World }).world} />,
};
export default meta;
type Story = StoryObj<typeof SeveralContenders>;
type Scene = Parameters<NonNullable<Story['play']>>[0];

/** What a visitor does and sees. */
function visitor({ canvas, userEvent }: Scene) {
  const contenders = within(canvas.getByRole('region', { name: 'Contenders' }));
  const of = (name: string) => within(contenders.getByRole('listitem', { name }));
  return {
    press: (name: string, button: string) => userEvent.click(of(name).getByRole('button', { name: button })),
    server: (button: string) => userEvent.click(canvas.getByRole('button', { name: button })),
    says: (name: string, words: RegExp) => of(name).findByText(words),
    row: (words: RegExp) => canvas.findByRole('button', { name: words }),
    chart: (words: RegExp) => canvas.findByRole('img', { name: words }),
    freshness: (words: RegExp) => canvas.findByText(words),
  };
}

export const Idle: Story = {
  play: async (scene) => {
    const { freshness } = visitor(scene);
    await freshness(/^live$/);
    await freshness(/^Nobody holds or waits/);
  },
};

export const Release: Story = {
  play: async (scene) => {
    const { press, says, row, chart } = visitor(scene);
    await press('anna', 'Acquire');
    await says('anna', /^holds, token \d+$/);
    await press('ben', 'Acquire');
    await says('ben', /^waits, 1 ahead/);
    await press('chloe', 'Acquire');
    await says('chloe', /^waits, 2 ahead/);
    await row(/^\/locks\/orders: held by anna for .*, 2 wait,/);
    await chart(/^Statechart of lock, now in held\.confirmed$/);
    await press('anna', 'Release');
    await says('ben', /^holds, token \d+$/);
    await row(/^\/locks\/orders: held by ben for .*, 1 waits,/);
    await chart(/^Statechart of lock, now in released/);
  },
};

export const Expire: Story = {
  play: async (scene) => {
    const { press, says, row, chart } = visitor(scene);
    await press('anna', 'Acquire');
    await says('anna', /^holds/);
    await press('ben', 'Acquire');
    await says('ben', /^waits, 1 ahead/);
    await press('anna', 'Expire');
    await says('anna', /^lost it: /);
    await says('ben', /^holds/);
    await row(/^\/locks\/orders: held by ben/);
    await chart(/^Statechart of lock, now in expired/);
    // A new session, a new claim, the end of the line.
    await press('anna', 'Acquire');
    await says('anna', /^waits, 1 ahead/);
  },
};

/** A connection that is cut is made anew, and the lock is still held. */
export const Cut: Story = {
  play: async (scene) => {
    const { press, says, server, freshness, chart } = visitor(scene);
    await press('anna', 'Acquire');
    await says('anna', /^holds, token/);
    await server('Cut off everybody');
    await says('anna', /^holds, suspended$/);
    await chart(/^Statechart of lock, now in held\.suspended$/);
    await freshness(/^not connected: as of/);
    await server('Cut off everybody');
    await says('anna', /^holds, token/);
    await freshness(/^live$/);
    await press('anna', 'Cut');
    await says('anna', /^holds, token/);
    await expect(scene.canvas.queryByText(/^lost it/)).toBeNull();
  },
};

/** A server that stands still is noticed, and the lock is given up before anybody else could have it. */
export const Freeze: Story = {
  play: async (scene) => {
    const { press, says, server, freshness } = visitor(scene);
    await press('anna', 'Acquire');
    await says('anna', /^holds, token/);
    await server('Freeze');
    await says('anna', /^holds, suspended$/);
    await says('anna', /^lost it: validity-/);
    await freshness(/^not connected: as of/);
    await server('Freeze');
    await freshness(/^live$/);
  },
};
