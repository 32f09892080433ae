// @ts-check
/**
 * Lint rules, on types. The formatter is Biome. What is banned outside its one home is listed here once;
 * `test/house.test.ts` holds the rules about files and imports.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const TIME = 'Time has one home, src/clock.ts: take a Clock, or a delay in a machine.';
const CHANCE = 'Chance and identity have one home, src/host.ts: take them as arguments.';
const TERMINAL =
  'Only the command line, src/cli/, speaks to the terminal and reads the process; elsewhere take a logger.';

/** @param {string} message @param {string[]} names */
const globals = (message, ...names) => names.map((name) => ({ name, message }));
/** @param {string} message @param {string} object @param {string[]} properties */
const properties = (message, object, ...properties) =>
  properties.map((property) => ({ object, property, message }));
/** @param {string} message @param {string[]} modules */
const modules = (message, ...modules) => modules.map((name) => ({ name, message }));

const time = {
  globals: globals(
    TIME,
    'setTimeout',
    'setInterval',
    'setImmediate',
    'clearTimeout',
    'clearInterval',
    'performance',
  ),
  properties: [
    ...properties(TIME, 'Date', 'now'),
    ...['globalThis', 'window'].flatMap((object) =>
      properties(TIME, object, 'setTimeout', 'setInterval', 'performance'),
    ),
  ],
  modules: modules(TIME, 'node:timers', 'node:timers/promises', 'node:perf_hooks'),
};
const chance = {
  globals: globals(CHANCE, 'crypto'),
  properties: [...properties(CHANCE, 'Math', 'random'), ...properties(CHANCE, 'globalThis', 'crypto')],
  modules: modules(CHANCE, 'node:crypto', 'node:os'),
};
const terminal = {
  globals: globals(TERMINAL, 'console', 'process'),
  properties: properties(TERMINAL, 'globalThis', 'console', 'process'),
  modules: modules(TERMINAL, 'node:process', 'node:child_process', 'node:readline'),
};

/**
 * @param {(typeof time)[]} banned
 * @returns {import('eslint').Linter.RulesRecord}
 */
const ban = (...banned) => ({
  'no-restricted-globals': banned.length ? ['error', ...banned.flatMap((each) => each.globals)] : 'off',
  'no-restricted-properties': banned.length ? ['error', ...banned.flatMap((each) => each.properties)] : 'off',
  'no-restricted-imports': ['error', { paths: banned.flatMap((each) => each.modules) }],
});

export default defineConfig(
  { ignores: ['**/node_modules/', 'dist/', 'coverage/', 'storybook-static/'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        project: ['.config/tsconfig.check.json'],
        tsconfigRootDir: fileURLToPath(new URL('..', import.meta.url)),
      },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-param-reassign': 'error',
      'prefer-const': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      // An abort rejects with the signal's own reason, whatever that is.
      '@typescript-eslint/only-throw-error': [
        'error',
        { allowThrowingAny: true, allowThrowingUnknown: true },
      ],
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, allowDefaultCaseForExhaustiveSwitch: true },
      ],
      // Numbers in messages are plain; anything else that does not print well is still refused.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  {
    files: ['src/**/*.ts', 'src/**/*.tsx', 'machines/**/*.ts'],
    rules: {
      ...ban(time, chance, terminal),
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true, named: true } }],
      'no-restricted-syntax': [
        'error',
        { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: TIME },
      ],
    },
  },
  { files: ['src/clock.ts'], rules: ban(chance, terminal) },
  { files: ['src/host.ts', 'src/host.browser.ts'], rules: ban(time) },
  // nextTick, to gather a tick's writes: it reads nothing of the process.
  { files: ['src/zookeeper/socket.ts'], rules: ban(time, chance, { ...terminal, modules: [] }) },
  { files: ['src/cli/**'], rules: ban() },
  {
    // Plain JavaScript that runs before anything is installed: types come from its comments.
    files: ['**/*.mjs'],
    rules: {
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unsafe-type-assertion': 'off',
    },
  },
  {
    files: ['test/**'],
    rules: {
      // A test says what it expects to be there, and fails where it is not.
      '@typescript-eslint/no-non-null-assertion': 'off',
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'MemberExpression[object.name=/^(it|test|describe)$/][property.name=/^(skip|only|todo|fails)$/]',
          message: 'No test is skipped, focused or expected to fail.',
        },
      ],
    },
  },
);
