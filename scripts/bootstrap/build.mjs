// What of a checkout is out of date, told by the times of files, and how it is built.
import { existsSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout, run } from './run.mjs';

const packages = 'node_modules/.package-lock.json';
const generators = [
  { script: 'protocol/generate.mjs', sources: ['protocol'], made: ['src/plan/wire.generated.ts', 'native/plan/wire.generated.h'] },
  { script: 'schemas/generate.mjs', sources: ['schemas', 'src/spec/schema-rules'], made: ['src/spec/schema.generated.ts'] },
];
const binaries = ['tsrun.node', 'tsrun-launcher', 'tsrun-archive', 'tsrun-oci', 'tsrun-reaper'].map((name) => `build/Release/${name}`);
// A stamp has the time at which a build that went well began: what was edited meanwhile is newer.
const typeScriptStamp = 'dist/.built';
const nativeStamp = 'build/.built';
const bundles = ['tsrun', 'more'];
/** Linked into a program. */
const ociBundle = 'dist/bundle/oci';
const buildInfo = 'dist/.tsbuildinfo';

const node = (...args) => run(process.execPath, args);

export function dependenciesAreOld() {
  return oldest([packages]) < newest(['package-lock.json']);
}

/** Those to be run. */
function oldGenerators() {
  return generators.filter(({ sources, made }) => oldest(made) < newest(sources));
}

export function generatedIsOld() {
  return oldGenerators().length > 0;
}

export async function generate() {
  for (const { script } of oldGenerators()) await node(script);
}

export function nativeIsOld() {
  const missing = !binaries.every((file) => existsSync(join(checkout, file)));
  return missing || oldest([nativeStamp]) < newest(['native', ociBundle, 'binding.gyp', 'scripts/build-native.mjs', 'scripts/quickjs.mjs', packages]);
}

export async function buildNative() {
  const start = new Date();
  await node('scripts/build-native.mjs');
  stamp(nativeStamp, start);
}

export function typeScriptIsOld() {
  return !describesOutput() || oldest([typeScriptStamp]) < newest(['src', 'test', 'bench', 'tsconfig.json', 'scripts/bundle-cli.mjs', 'scripts/bundle-oci.mjs', 'scripts/cli-loader.cjs', 'package.json', packages]);
}

export async function buildTypeScript() {
  const start = new Date();
  if (!describesOutput()) rmSync(join(checkout, buildInfo), { force: true });
  rmSync(join(checkout, typeScriptStamp), { force: true });
  await node('node_modules/typescript/bin/tsc', '-p', 'tsconfig.json', '--incremental', '--tsBuildInfoFile', buildInfo);
  await node('scripts/bundle-cli.mjs');
  await node('scripts/bundle-oci.mjs');
  stamp(typeScriptStamp, start);
  utimesSync(join(checkout, buildInfo), new Date(), new Date());
}

/** What V8 compiles of the command beforehand; each V8 has its own. */
export function cacheIsOld() {
  return oldest(bundles.map((name) => `dist/bundle/cli/${name}-${process.versions.v8}-${process.arch}.cache`)) < newest([...bundles.map((name) => `dist/bundle/cli/${name}.cjs`), 'scripts/cache-cli.mjs']);
}

export async function makeCache() {
  await node('scripts/cache-cli.mjs');
  // It lies among the compiler's output, whose notes are to be newer.
  utimesSync(join(checkout, buildInfo), new Date(), new Date());
}

/** The compiler's notes are worthless once somebody has compiled without them: it would take old output for new. */
function describesOutput() {
  return oldest([buildInfo]) >= newest(['dist']);
}

function stamp(file, time) {
  writeFileSync(join(checkout, file), '');
  utimesSync(join(checkout, file), time, time);
}

/** -Infinity when one is missing. */
function oldest(files) {
  return Math.min(...files.map((file) => statSync(join(checkout, file), { throwIfNoEntry: false })?.mtimeMs ?? -Infinity));
}

/** The newest of files and of all that is below folders; a folder's own time tells of what was removed. */
function newest(paths) {
  return Math.max(-Infinity, ...paths.map((path) => join(checkout, path)).filter((path) => existsSync(path)).flatMap(times));
}

function times(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return [stat.mtimeMs];
  return [stat.mtimeMs, ...readdirSync(path).flatMap((name) => times(join(path, name)))];
}
