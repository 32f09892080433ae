import { describe, expect, it } from 'vitest';
import { createActor, toPromise } from 'xstate';
import { attempt } from '../src/attempt.js';

describe('an attempt', () => {
  it('is made when its actor starts, with its input, and ends with what it came to', async () => {
    const actor = createActor(
      attempt((input: number) => Promise.resolve(input + 1)),
      { input: 41 },
    );
    expect(await toPromise(actor.start())).toBe(42);
    expect(actor.getSnapshot()).toMatchObject({ status: 'done', output: 42 });
  });

  it('ends with its rejection as error', async () => {
    const failing = attempt(() => Promise.reject(new Error('refused')));
    await expect(toPromise(createActor(failing, { input: null }).start())).rejects.toThrow('refused');
  });

  it('can ask whether it is still wanted, and tells nothing once it was stopped', async () => {
    let answer: (value: number) => void = () => undefined;
    const asked = new Promise<number>((resolve) => {
      answer = resolve;
    });
    const wishes: boolean[] = [];
    const logic = attempt((_: null, wanted) => {
      wishes.push(wanted());
      return asked.finally(() => wishes.push(wanted()));
    });
    const actor = createActor(logic, { input: null }).start();
    actor.stop();
    answer(1);
    await asked.finally(() => undefined);
    expect(actor.getSnapshot()).toMatchObject({ status: 'stopped', output: undefined });
    expect(wishes).toEqual([true, false]);
  });
});
