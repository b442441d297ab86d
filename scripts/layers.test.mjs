import { join } from 'node:path';
import test from 'ava';
import { ESLint } from 'eslint';
import { circlesOf, faultsOf, src } from './layers.mjs';

const faults = (file, text) => faultsOf(join(src, file), text);

test('imports go downwards', (t) => {
  t.deepEqual(faults('plan/x.ts', "import { a } from '../spec/a.js';\nimport type { b } from './b.js';\n"), []);
  t.deepEqual(faults('spec/x.ts', "import { a } from '../plan/a.js';\n"), ['spec/x.ts imports ../plan/a.js: spec may not import plan']);
  t.is(faults('cli/x.ts', "export * from '../container/runtime.js';\n").length, 1);
  t.is(faults('cli/x.ts', "const a = await import('../engine/addon.js');\n").length, 1);
});

test('no file leads back to itself, not even by a type', (t) => {
  const texts = (...files) => new Map(files.map(([name, ...targets]) => [join(src, `${name}.ts`), targets.map((target) => `import type { x } from '${target}.js';\n`).join('')]));
  t.deepEqual(circlesOf(texts(['plan/a', './b', './c'], ['plan/b', './c'], ['plan/c', '../spec/d'], ['spec/d'])), []);
  t.deepEqual(circlesOf(texts(['plan/a', './b'], ['plan/b', '../spec/c'], ['spec/c', '../plan/a'])), ['circle: plan/a.ts → plan/b.ts → spec/c.ts → plan/a.ts']);
});

test('plan and spec do no I/O', (t) => {
  for (const line of ["import { readFileSync } from 'node:fs';", "import fs from 'fs';", "import { spawn } from 'node:child_process';", "import * as os from 'node:os';", "import { hostname } from 'node:os';", "import 'node:net';", "await import('node:fs/promises');", "export { connect } from 'node:net';", "import { constants, cpus } from 'node:os';", "import {\n  posix,\n  resolve,\n} from 'node:path';"]) {
    for (const folder of ['plan', 'spec']) t.is(faults(`${folder}/x.ts`, `${line}\n`).length, 1, `${folder}: ${line}`);
    t.is(faults('container/x.ts', `${line}\n`).length, 0, line);
  }
  for (const line of ["import { posix } from 'node:path';", "import type { Stats } from 'node:fs';", "import { constants } from 'node:os';"]) t.deepEqual(faults('spec/x.ts', `${line}\n`), []);
});

test('nor do they reach for the clock, chance or the environment as globals', async (t) => {
  t.timeout(120_000);
  const eslint = new ESLint();
  const lines = ['Date.now()', 'new Date()', 'Math.random()', "process.env['A']", 'performance.now()', 'globalThis.process', "fetch('a')", 'crypto.randomUUID()'];
  const rulesFor = async (file) => {
    const [{ messages }] = await eslint.lintText(lines.map((line) => `void ${line};\n`).join(''), { filePath: join(src, file) });
    return new Set(messages.filter(({ ruleId }) => /^no-restricted/.test(ruleId ?? '')).map(({ line }) => line));
  };
  t.deepEqual(await rulesFor('plan/plan.ts'), new Set(lines.map((_, index) => index + 1)));
  t.deepEqual(await rulesFor('container/log.ts'), new Set());
});
