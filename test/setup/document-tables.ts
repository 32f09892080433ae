/** Tables of the documents that name tests: their rows, and what is wrong with the names. */
import { filesThatRun, isTitle, testsIn } from './test-titles.js';

/** The rows of the one table under the heading, cell by cell; its head and its rule are left out. */
export function rowsUnder(document: string, heading: string): string[][] {
  const section = document.split(`${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) => {
      const cells = line.split('|').slice(1, -1);
      return cells.map((cell) => cell.trim());
    });
}

interface Named {
  readonly file: string;
  readonly title: string;
}

/** What a cell names as `file › title`. */
export function testsNamedIn(cell: string): Named[] {
  return [...cell.matchAll(/`([^`]+?) › ([^`]+)`/g)].map(([, file = '', title = '']) => ({ file, title }));
}

/** Whether a cell names tests and nothing else. */
export function namesOnlyTests(cell: string): boolean {
  const named = testsNamedIn(cell).map(({ file, title }) => `\`${file} › ${title}\``);
  return named.length > 0 && cell === named.join(', ');
}

/** What keeps the tests that a cell names from showing anything: not there, or skipped. */
export function missingIn(cell: string): string[] {
  const running = filesThatRun();
  return testsNamedIn(cell).flatMap(({ file, title }) => {
    if (!running.has(file)) return [`no test file ${file}`];
    const found = testsIn(file).filter((test) => isTitle(title, test));
    if (found.length === 0) return [`no test in ${file} is called: ${title}`];
    return found.every(({ runs }) => runs) ? [] : [`skipped: ${title}`];
  });
}
