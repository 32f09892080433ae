/** Reads test files with the compiler's parser: which tests there are, by their titles, and whether they run. */
import { posix } from 'node:path';
import ts from 'typescript';
import { readSource, repositoryFiles, textOf } from './source-files.js';

/** One `it` or `test`. */
export interface TestTitle {
  /** As it is written; `%s` and `$name` stand for what a table gives, `…` for what a template does. */
  readonly title: string;
  /** False when it, or what it stands in, is skipped or still to do. */
  readonly runs: boolean;
}

/** What `it.each` fills in: printf's letters, or a property by its name. */
const PLACEHOLDER = /%[sdifjo#$%]|\$[\w.]+/;
const SILENT = ['skip', 'todo'];

/** `it.each(…)` and its like are called twice: the names from the inside out. */
function calleeNames(node: ts.Expression): string[] {
  if (ts.isIdentifier(node)) return [node.text];
  if (ts.isPropertyAccessExpression(node)) return [...calleeNames(node.expression), node.name.text];
  if (ts.isCallExpression(node) || ts.isTaggedTemplateExpression(node)) {
    return calleeNames(ts.isCallExpression(node) ? node.expression : node.tag);
  }
  return [];
}

function titleOf(node: ts.Expression | undefined): string | undefined {
  if (node === undefined) return undefined;
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return undefined;
  return node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join('');
}

const read = new Map<string, readonly TestTitle[]>();

/** The tests that the file `path` declares, whether it is a test file or what test files call. */
export function testsIn(path: string): readonly TestTitle[] {
  const known = read.get(path) ?? testsOf(textOf(path));
  read.set(path, known);
  return known;
}

/** The tests that a file with this text declares. */
export function testsOf(text: string): TestTitle[] {
  const tree = ts.createSourceFile('a.test.ts', text, ts.ScriptTarget.ESNext, true);
  const found: TestTitle[] = [];
  const visit = (node: ts.Node, silent: boolean): void => {
    let within = silent;
    if (ts.isCallExpression(node)) {
      const [kind, ...modifiers] = calleeNames(node.expression);
      const quiet = silent || modifiers.some((name) => SILENT.includes(name));
      const title = titleOf(node.arguments[0]);
      if ((kind === 'it' || kind === 'test') && title !== undefined) found.push({ title, runs: !quiet });
      if (kind === 'describe') within = quiet;
    }
    ts.forEachChild(node, (child) => {
      visit(child, within);
    });
  };
  visit(tree, false);
  return found;
}

/** Whether `named` is the title of `test`, as it is written or with a table's values filled in. */
export function isTitle(named: string, { title }: TestTitle): boolean {
  if (named === title) return true;
  const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const pattern = title.split(new RegExp(`(?:${PLACEHOLDER.source}|…)`)).map(literal);
  return pattern.length > 1 && new RegExp(`^${pattern.join('.+')}$`).test(named);
}

let running: ReadonlySet<string> | undefined;

/** The files of `test/` that are run: test files, and what they import, however far. Looked for once. */
export function filesThatRun(): ReadonlySet<string> {
  running ??= findFilesThatRun();
  return running;
}

function findFilesThatRun(): ReadonlySet<string> {
  const files = repositoryFiles().filter((path) => /^test\/.*\.ts$/.test(path));
  const run = new Set<string>();
  const visit = (path: string): void => {
    if (run.has(path) || !files.includes(path)) return;
    run.add(path);
    for (const { target, typeOnly } of readSource(path).imports)
      if (!typeOnly) visit(posix.normalize(target));
  };
  for (const path of files) if (path.endsWith('.test.ts')) visit(path);
  return run;
}
