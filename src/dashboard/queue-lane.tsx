/** The line of one lock, drawn from the holder on the left to the last on the right. */
import type { ReactElement } from 'react';
import type { ContenderInLine, Contention } from '../contention-facts.js';
import { holdersOf, nameOf } from './board.js';
import { counted } from './wording.js';

const MARK: Readonly<Record<ContenderInLine['kind'], string>> = { exclusive: '', read: 'R', write: 'W' };

/** See the file's head. `most`: so many are drawn, the others are counted. */
export function QueueLane({
  line,
  most = 8,
}: {
  readonly line: Contention;
  readonly most?: number;
}): ReactElement {
  const holding = holdersOf(line).length;
  const shown = line.contenders.slice(0, most);
  const more = line.contenders.length - shown.length;
  if (shown.length === 0) return <span className="hf-lane hf-free">nobody in line</span>;
  return (
    <ol className="hf-lane" aria-label={`${counted(line.contenders.length, 'contender')} at ${line.path}`}>
      {shown.map((each, position) => (
        <li
          key={each.path}
          className={position < holding ? 'hf-chip hf-holding' : 'hf-chip'}
          title={`${nameOf(each)}${each.host === undefined ? '' : ` on ${each.host}`}${each.pid === undefined ? '' : `, process ${each.pid}`}`}
        >
          {MARK[each.kind] === '' ? null : (
            <abbr title={each.kind === 'read' ? 'reads' : 'writes'}>{MARK[each.kind]}</abbr>
          )}
          {nameOf(each)}
        </li>
      ))}
      {more > 0 ? <li className="hf-more">+{more}</li> : null}
    </ol>
  );
}
