// `node scripts/build-foreign.mjs arm64 [FOLDER]` prints the folder with the native part for another architecture than this host's, after
// building it by CMake when it is not cached; with FOLDER, such as prebuilds/linux-arm64, it is copied there.
import { cpSync, mkdirSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { cached, recipeKey } from '../rootfs-fixtures/cache.mjs';
import { triplet, unpack } from '../rootfs-fixtures/foreign.mjs';
import { nodeFor } from '../rootfs-fixtures/node.mjs';
import { aptPackages, ensurePackages } from '../rootfs-fixtures/packages.mjs';
import { run } from '../rootfs-fixtures/shell.mjs';
import { quickjs } from './quickjs.mjs';

const checkout = resolve(import.meta.dirname, '..');
export const programs = ['tsrun.node', 'tsrun-archive', 'tsrun-launcher', 'tsrun-oci', 'tsrun-reaper'];
const sources = ['native', 'protocol', 'CMakeLists.txt', 'CMakePresets.json', 'dist/bundle/oci'];
// The host's: what QuickJS makes of a script is the same for all processors of one byte order and word size.
const scriptCompiler = 'build/Release/tsrun-oci-compiler';

export function nativeFor(architecture) {
  ensurePackages(aptPackages(`cross-${architecture}`));
  const compiler = run(`${triplet(architecture)}-g++`, ['--version']).split('\n')[0];
  const inputs = [import.meta.filename, ...sources.flatMap((path) => filesOf(join(checkout, path)))];
  const key = recipeKey(architecture, compiler, process.versions.node, ...inputs.flatMap((file) => [file.slice(checkout.length), readFileSync(file)]));
  return cached('native', architecture, key, (work) => build(work, architecture));
}

function build(work, architecture) {
  process.stderr.write(`building the native part for ${architecture}, once\n`);
  const [output, root] = ['build', 'libraries'].map((name) => join(work, name));
  mkdirSync(root);
  unpack(root, architecture, aptPackages('libraries'));
  const scripts = join(work, 'script_code.cc');
  run(join(checkout, scriptCompiler), [scripts, 'dist/bundle/oci/modules.txt'], { cwd: checkout });
  const headers = join(nodeFor(architecture), 'include/node');
  run('cmake', ['--preset', architecture, '-B', output, `-DCMAKE_JS_INC=${headers}`, `-DTSRUN_LIBRARIES=${root}`, `-DTSRUN_QUICKJS=${quickjs(architecture)}`, `-DTSRUN_OCI_SCRIPTS=${scripts}`], { cwd: checkout });
  run('cmake', ['--build', output, '--parallel', `${availableParallelism()}`], { cwd: checkout });
  for (const name of programs) {
    renameSync(join(output, name), join(work, name));
    run(`${triplet(architecture)}-strip`, ['--strip-unneeded', join(work, name)]);
  }
  for (const path of [output, root, scripts]) rmSync(path, { recursive: true });
}

function filesOf(path) {
  if (!statSync(path).isDirectory()) return [path];
  const below = readdirSync(path).sort().map((name) => join(path, name));
  // Codecs are made of the protocol, which is an input itself.
  return below.filter((file) => !/\.generated\./.test(file)).flatMap(filesOf);
}

function main([architecture, folder]) {
  const built = nativeFor(architecture);
  if (folder !== undefined) cpSync(built, folder, { recursive: true });
  process.stdout.write(`${folder ?? built}\n`);
}

if (process.argv[1] && realpathSync(process.argv[1]) === import.meta.filename) {
  try {
    main(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
