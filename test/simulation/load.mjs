// @ts-check
/**
 * Lets node run the sources as they are, and altered copies of them next to each other: `import('x.ts?mutant=name')` loads the
 * whole graph below `x.ts` with that mutant's texts replaced. A text that is not there exactly once is an error.
 */
import { readFileSync } from 'node:fs';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import ts from 'typescript';
import { MUTANTS } from './mutants.mjs';

const root = new URL('../../', import.meta.url).href;
const { imports: aliases } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));

// The hooks run in a thread of their own, which loads this file as well.
if (isMainThread) register(import.meta.url);

/** @type {import('node:module').ResolveHook} */
export async function resolve(specifier, context, next) {
  const { parentURL } = context;
  const alias = aliases[specifier]?.source;
  const ours = alias !== undefined || specifier.startsWith('.');
  if (!ours || parentURL?.startsWith(root) !== true || parentURL.includes('/node_modules/')) {
    return next(specifier, context);
  }
  const url = new URL(alias ?? specifier, alias === undefined ? parentURL : root);
  url.pathname = url.pathname.replace(/\.js$/, '.ts');
  if (!url.pathname.endsWith('.ts')) return next(specifier, context);
  if (url.search === '') url.search = new URL(parentURL).search;
  return { url: url.href, format: 'module', shortCircuit: true };
}

/** @type {import('node:module').LoadHook} */
export async function load(url, context, next) {
  const { pathname, searchParams } = new URL(url);
  if (!pathname.endsWith('.ts')) return next(url, context);
  const path = fileURLToPath(new URL(pathname, 'file://'));
  const original = readFileSync(path, 'utf8');
  const source = altered(original, path, searchParams.get('mutant'));
  return {
    format: 'module',
    source: source === original ? compiledOnce(original, path) : compiled(source, path),
    shortCircuit: true,
  };
}

/**
 * What every mutant leaves as it is, which is all but a file or two of a hundred and fifty: compiled anew for each, that was most of the time.
 * @type {Map<string, string>}
 */
const known = new Map();

/** @param {string} source @param {string} path */
function compiledOnce(source, path) {
  const text = known.get(path) ?? compiled(source, path);
  known.set(path, text);
  return text;
}

/** @param {string} source @param {string} path */
function compiled(source, path) {
  return ts.transpileModule(source, {
    fileName: path,
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2023,
      verbatimModuleSyntax: true,
      inlineSourceMap: true,
    },
  }).outputText;
}

/**
 * @param {string} source
 * @param {string} path
 * @param {string | null} mutant
 */
function altered(source, path, mutant) {
  if (mutant === null) return source;
  const replacements = MUTANTS[mutant]?.replacements;
  if (replacements === undefined) throw new Error(`there is no mutant "${mutant}"`);
  return replacements
    .filter(({ file }) => path.endsWith(`/${file}`))
    .reduce((text, { file, from, to }) => {
      if (text.split(from).length !== 2)
        throw new Error(`mutant "${mutant}": this text must be in ${file} exactly once:\n${from}`);
      return text.replace(from, () => to);
    }, source);
}
