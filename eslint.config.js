import tseslint from 'typescript-eslint';

const maxLines = ['error', { max: 300 }];
const nodeGlobals = ['__dirname', 'module', 'require', 'AbortController', 'AbortSignal', 'Buffer', 'TextDecoder', 'TextEncoder', 'URL', 'clearInterval', 'clearTimeout', 'console', 'fetch', 'process', 'setImmediate', 'setInterval', 'setTimeout'];

/** What is another one at each call or on each host. */
const impure = ['Date', 'console', 'crypto', 'fetch', 'globalThis', 'performance', 'process', 'setImmediate', 'setInterval', 'setTimeout'];

const byTheClock = 'dynos go by the Clock that they are given';

export default tseslint.config(
  { ignores: ['dist/', 'build/', 'node_modules/', '**/*.generated.ts', 'coverage/'] },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'max-lines': maxLines,
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    // Functions of their arguments: a plan is tested without root, on any host. What they import, scripts/layers.mjs holds.
    files: ['src/plan/**/*.ts', 'src/spec/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...impure.map((name) => ({ name, message: 'plan/ and spec/ do no I/O and know no clock' }))],
      'no-restricted-properties': ['error', { object: 'Math', property: 'random', message: 'plan/ and spec/ do nothing by chance' }],
    },
  },
  {
    // A day of a dyno is tested in milliseconds: whatever waits, or looks what time it is, asks the clock that it was given.
    files: ['src/dyno/**/*.ts'],
    ignores: ['src/dyno/clock.ts'],
    rules: {
      'no-restricted-globals': ['error', ...['performance', 'setInterval', 'setTimeout'].map((name) => ({ name, message: byTheClock }))],
      'no-restricted-imports': ['error', { paths: ['node:timers', 'node:timers/promises', 'node:perf_hooks'].map((name) => ({ name, message: byTheClock })) }],
      'no-restricted-syntax': ['error', ...[
        "MemberExpression[object.name='Date'][property.name='now']",
        "NewExpression[callee.name='Date'][arguments.length=0]",
        "MemberExpression[object.name='AbortSignal'][property.name='timeout']",
        "MemberExpression[object.name='process'][property.name=/^(hrtime|uptime)$/]",
        "CallExpression[callee.property.name='setTimeout']",
      ].map((selector) => ({ selector, message: byTheClock }))],
    },
  },
  {
    files: ['**/*.{mjs,cjs,js}'],
    extends: [...tseslint.configs.strict, ...tseslint.configs.stylistic],
    languageOptions: { globals: Object.fromEntries(nodeGlobals.map((name) => [name, 'readonly'])) },
    rules: { 'max-lines': maxLines, 'no-undef': 'error', 'prefer-const': 'error', eqeqeq: 'error', 'no-unreachable': 'error', 'no-dupe-keys': 'error' },
  },
  { files: ['**/*.cjs'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
);
