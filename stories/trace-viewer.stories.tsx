import type { Meta, StoryObj } from '@storybook/react-vite';
import { filter, firstValueFrom } from 'rxjs';
import { expect } from 'storybook/test';
import { TraceViewer } from '../src/dashboard/index.js';
import { EMPTY_TRACE, type Trace } from '../src/inspect/index.js';
import { onPaper } from './on-paper.js';
import { makeWorld, sessionIdOf, traceOf } from './world.js';

const PATH = '/locks/orders';

const meta: Meta<typeof TraceViewer> = {
  title: 'Trace viewer',
  component: TraceViewer,
  args: { trace: EMPTY_TRACE },
  decorators: [onPaper],
};
export default meta;
type Story = StoryObj<typeof TraceViewer>;

/** Has a lock held on a ZooKeeper in this page, ends its session, and records all that. */
async function recordLoss(): Promise<Trace> {
  const world = await makeWorld(['anna']);
  try {
    const [anna] = world.contenders;
    if (anna === undefined) throw new Error('the world has anna');
    const lock = anna.session.lock(PATH, { owner: anna.name });
    const lost = new Promise<void>((resolve, reject) => {
      lock.subscribe({
        next: ({ status }) => {
          if (status === 'held')
            sessionIdOf(anna.session).then((id) => void world.zookeeper.expireSession(id), reject);
        },
        error: reject,
        complete: resolve,
      });
    });
    await lost;
    return await firstValueFrom(
      traceOf(anna.hub).pipe(
        filter(({ actors }) => Object.values(actors).some(({ stoppedAt }) => stoppedAt !== null)),
      ),
    );
  } finally {
    await world.close();
  }
}

export const Empty: Story = {
  play: async ({ canvas }) => {
    await canvas.findByText('No lock has been traced yet.');
  },
};

/** Recorded a moment ago: why was it lost? */
export const WhyItWasLost: Story = {
  loaders: [async () => ({ trace: await recordLoss() })],
  render: (_, { loaded }) => <TraceViewer trace={(loaded as { trace: Trace }).trace} />,
  play: async ({ canvas, userEvent }) => {
    await canvas.findByText(/lost: session-expired, after session\.lost/);
    await canvas.findByRole('img', { name: /^Statechart of lock, now in expired/ });
    await userEvent.click(canvas.getByRole('button', { name: /session\.suspended/ }));
    await canvas.findByRole('img', { name: /^Statechart of lock, now in held\.suspended$/ });
    await expect(canvas.getByRole('button', { name: 'Follow', pressed: false })).toBeVisible();
  },
};
