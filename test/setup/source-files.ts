/** Reads source files for `house.test.ts` with the compiler's parser: what each imports, and which names it uses. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** The repository's folder. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** One import, however it is written: a type query counts too. */
export interface Import {
  /** A file of ours (`src/queue.ts`), or a package or `node:` module by its name. */
  readonly target: string;
  readonly typeOnly: boolean;
  readonly line: number;
}

/** What one file says. */
export interface SourceFile {
  readonly path: string;
  readonly lineCount: number;
  readonly imports: readonly Import[];
  /** Global names and `object.member` pairs it uses, comments and strings not counted; each once. */
  readonly words: ReadonlySet<string>;
  /** Names it declares. */
  readonly declared: ReadonlySet<string>;
}

/** Every file that is tracked or could be: what git ignores is nobody's business. */
export function repositoryFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  return [...new Set(listed.split('\0'))]
    .filter((path) => path !== '' && existsSync(join(root, path)))
    .sort();
}

export const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

const { imports: aliases } = JSON.parse(textOf('package.json')) as {
  imports: Record<string, { source: string }>;
};

/** `./queue.js` in `src/lock.ts` → `src/queue.ts`; packages lose their subpath, `node:` modules keep it. */
function targetOf(specifier: string, from: string): string {
  const alias = aliases[specifier];
  if (alias !== undefined) return posix.normalize(alias.source);
  if (specifier.startsWith('.')) {
    return posix.join(posix.dirname(from), specifier).replace(/\.js(x?)$/, '.ts$1');
  }
  if (specifier.startsWith('node:')) return specifier;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** Whether nothing of an import or re-export is left at run time. */
function isTypeOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  const named = ts.isImportDeclaration(node) ? node.importClause?.namedBindings : node.exportClause;
  const elements =
    named !== undefined && (ts.isNamedImports(named) || ts.isNamedExports(named))
      ? [...named.elements]
      : undefined;
  if (ts.isExportDeclaration(node)) {
    return node.isTypeOnly || (elements?.every((element) => element.isTypeOnly) ?? false);
  }
  if (node.importClause === undefined) return false;
  if (node.importClause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  return node.importClause.name === undefined && (elements?.every((element) => element.isTypeOnly) ?? false);
}

/** The module that `node` names, if it names one. */
function moduleNamedBy(node: ts.Node): { specifier: ts.Node; typeOnly: boolean } | undefined {
  if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
    return { specifier: node.moduleSpecifier, typeOnly: isTypeOnly(node) };
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return { specifier: node.argument.literal, typeOnly: true };
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [specifier] = node.arguments;
    return specifier === undefined ? undefined : { specifier, typeOnly: false };
  }
  return undefined;
}

/** The global name or `object.member` that `node` is a use of. */
function wordUsedAt(node: ts.Node): string | undefined {
  if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && !node.arguments?.length) {
    return 'Date.now';
  }
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
    return `${node.expression.text}.${node.name.text}`;
  }
  if (!ts.isIdentifier(node)) return undefined;
  const { parent } = node;
  const isUse =
    (ts.isPropertyAccessExpression(parent) && parent.expression === node) ||
    ((ts.isCallExpression(parent) || ts.isNewExpression(parent)) &&
      (parent.expression === node || (parent.arguments?.includes(node) ?? false))) ||
    ((ts.isPropertyAssignment(parent) || ts.isVariableDeclaration(parent)) && parent.initializer === node);
  return isUse ? node.text : undefined;
}

function nameDeclaredBy(node: ts.Node): string | undefined {
  const declares =
    ts.isVariableDeclaration(node) ||
    ts.isParameter(node) ||
    ts.isBindingElement(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isPropertyDeclaration(node) ||
    ts.isPropertySignature(node);
  return declares &&
    node.name !== undefined &&
    (ts.isIdentifier(node.name) || ts.isPrivateIdentifier(node.name))
    ? node.name.text
    : undefined;
}

/** Parses one TypeScript file. */
export function readSource(path: string): SourceFile {
  const text = textOf(path);
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true);
  const imports: Import[] = [];
  const words = new Set<string>();
  const declared = new Set<string>();
  const visit = (node: ts.Node): void => {
    const named = moduleNamedBy(node);
    if (named !== undefined && ts.isStringLiteralLike(named.specifier)) {
      imports.push({
        target: targetOf(named.specifier.text, path),
        typeOnly: named.typeOnly,
        line: tree.getLineAndCharacterOfPosition(node.getStart()).line + 1,
      });
    }
    const word = wordUsedAt(node);
    if (word !== undefined) words.add(word);
    const name = nameDeclaredBy(node);
    if (name !== undefined) declared.add(name);
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return { path, lineCount: text.split('\n').length - 1, imports, words, declared };
}
