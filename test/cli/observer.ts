/** A session of the test's own, to see and to meet what `holdfast run` does. */
import { onTestFinished } from 'vitest';
import { type Contention, connect, type Session } from '../../src/index.js';

/** Closed after the test that asks. */
export function observer(connectString: string): Session {
  const session = connect(connectString, { sessionTimeoutMs: 4_000 });
  onTestFinished(() => session.close());
  return session;
}

/** The first line at `path` for which `matches`. */
function lineWhere(
  session: Session,
  path: string,
  matches: (line: Contention) => boolean,
): Promise<Contention> {
  return new Promise((resolve, reject) => {
    const watching = session.contention(path).subscribe({
      next: (line) => {
        if (!matches(line)) return;
        resolve(line);
        // It may be heard while subscribing.
        queueMicrotask(() => watching.unsubscribe());
      },
      error: reject,
    });
  });
}

/** Resolves when so many stand in line. */
export async function inLine(session: Session, path: string, count: number): Promise<void> {
  await lineWhere(session, path, ({ contenders }) => contenders.length === count);
}

/** Who holds it. */
export async function holder(session: Session, path: string) {
  return (await lineWhere(session, path, (line) => line.holder !== null)).holder!;
}
