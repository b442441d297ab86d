// What is out of date in a checkout, told by the times of files, and the compiler of TypeScript.
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { run } from './stages.mjs';

export const checkout = resolve(import.meta.dirname, '../..');

const codecs = ['src/plan/wire.generated.ts', 'native/plan/wire.generated.h'];
const binaries = ['tsrun.node', 'tsrun-launcher', 'tsrun-reaper'].map((name) => `build/Release/${name}`);
const buildInfo = 'dist/.tsbuildinfo';

export function dependenciesAreOld() {
  return oldest(['node_modules/.package-lock.json']) < newest(['package-lock.json']);
}

export function generatedIsOld() {
  return oldest(codecs) < newest(['protocol']);
}

/** make does as little as it can; this only spares its start. */
export function addonIsOld() {
  return oldest(binaries) < newest(['native', 'binding.gyp', 'scripts/build-native.mjs', 'node_modules/.package-lock.json']);
}

export function typeScriptIsOld() {
  if (describesOutput() && oldest([buildInfo]) >= newest(['src', 'test', 'bench', 'tsconfig.json', 'package.json', 'node_modules/.package-lock.json'])) return false;
  if (!describesOutput()) rmSync(join(checkout, buildInfo), { force: true });
  return true;
}

export async function buildTypeScript() {
  try {
    await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json', '--incremental', '--tsBuildInfoFile', buildInfo]);
  } catch (error) {
    // Even if the next run finds every time in order, it must not take this for a good build.
    rmSync(join(checkout, buildInfo), { force: true });
    throw error;
  }
}

/** The compiler's notes are worthless when somebody has compiled without them since: it would take old output for new. */
function describesOutput() {
  return oldest([buildInfo]) >= newest(['dist']);
}

/** -Infinity when one is missing. */
function oldest(files) {
  return Math.min(...files.map((file) => statSync(join(checkout, file), { throwIfNoEntry: false })?.mtimeMs ?? -Infinity));
}

/** The newest of files and all that is below folders; the folders' own times tell of what was removed. */
function newest(paths) {
  return Math.max(...paths.map((path) => join(checkout, path)).filter((path) => existsSync(path)).flatMap(times));
}

function times(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return [stat.mtimeMs];
  return [stat.mtimeMs, ...readdirSync(path).flatMap((name) => times(join(path, name)))];
}
