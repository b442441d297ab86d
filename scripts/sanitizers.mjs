// `npm run test:sanitizers [asan-ubsan|tsan]`: builds tsrun-archive with sanitizers, and runs what is tested of it, the hostile archives
// among that, over this build. It works in the same roots, but not behind the walls, in which there are no libraries.
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';

const checkout = resolve(import.meta.dirname, '..');
const preset = process.argv[2] ?? 'asan-ubsan';
const files = ['archive-rules', 'archive-whiteouts', 'archive-trees', 'archive-limits', 'attack-archive'].map((name) => `test/host/${name}.test.ts`);
/** Memory is held by the walls, and so is a root that there must be. */
const ofTheWalls = ['*for its hunger', '*is no silence'];

function run(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, { cwd: checkout, stdio: 'inherit', env: { ...process.env, ...env } });
  if (error !== undefined || status !== 0) throw new Error(`${command} ${args[0]} ended with ${error?.message ?? status}`);
}

try {
  run('cmake', ['--preset', preset]);
  run('cmake', ['--build', '--preset', preset, '--target', 'tsrun-archive']);
  const program = join(checkout, 'build/cmake', preset, 'tsrun-archive');
  const matches = ofTheWalls.map((title) => `--match=!${title}`);
  run(process.execPath, ['node_modules/ava/entrypoints/cli.mjs', '--config', 'ava.host.config.js', '--timeout=20m', ...matches, ...files], { TSRUN_TEST_ARCHIVE: program });
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
