// @ts-check
/**
 * Lint rules, on types. The formatter is Biome. Rules about files and imports are in `test/house.test.ts`.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { BANS } from './banned-words.mjs';

/**
 * @param {import('./banned-words.mjs').Ban[]} bans
 * @returns {import('eslint').Linter.RulesRecord}
 */
const refuse = (bans) => ({
  'no-restricted-globals': [
    'error',
    ...bans.flatMap(({ rule, globals }) => globals.map((name) => ({ name, message: rule }))),
  ],
  'no-restricted-properties': [
    'error',
    ...bans.flatMap(({ rule, globals, members }) => [
      ...members.map((member) => {
        const [object = '', property = ''] = member.split('.');
        return { object, property, message: rule };
      }),
      ...globals.map((property) => ({ object: 'globalThis', property, message: rule })),
    ]),
  ],
  'no-restricted-imports': [
    'error',
    { paths: bans.flatMap(({ rule, modules }) => modules.map((name) => ({ name, message: rule }))) },
  ],
});

/** Stories are typed by Storybook's packages, which are installed when they are first needed: `npm run check:types` does. */
const unreadable = existsSync(new URL('../stories/node_modules', import.meta.url)) ? [] : ['stories/'];

export default defineConfig(
  { ignores: ['**/node_modules/', 'dist/', 'coverage/', 'storybook-static/', ...unreadable] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        project: ['.config/tsconfig.check.json', 'stories/tsconfig.json'],
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
    ignores: ['src/cli/**'],
    rules: {
      ...refuse(BANS),
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true, named: true } }],
    },
  },
  ...[...new Set(BANS.flatMap(({ home }) => home))].map((file) => ({
    files: [file],
    rules: refuse(BANS.filter(({ home }) => !home.includes(file))),
  })),
  {
    // Plain JavaScript that runs before anything is installed: types come from its comments.
    files: ['**/*.mjs', '**/*.cjs'],
    rules: {
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unsafe-type-assertion': 'off',
    },
  },
  // CommonJS has no other way.
  { files: ['**/*.cjs'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
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
