// Builds of the native part by CMake, and tests that run over them.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { quickjs } from '../quickjs.mjs';
import { checkout } from '../tests/files.mjs';

const limitMs = 1_200_000;

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: checkout, stdio: 'inherit' });
  if (error !== undefined || status !== 0) throw new Error(`${command} ${args[0]} ended with ${error?.message ?? status}`);
}

/** Gives the folder of the build. */
export function build(preset, targets) {
  const folder = join(checkout, 'build/cmake', preset);
  const scripts = join(folder, 'script_code.cc');
  mkdirSync(folder, { recursive: true });
  run('build/Release/tsrun-oci-compiler', [scripts, 'dist/bundle/oci/modules.txt']);
  run('cmake', ['--preset', preset, `-DTSRUN_QUICKJS=${quickjs()}`, `-DTSRUN_OCI_SCRIPTS=${scripts}`]);
  run('cmake', ['--build', '--preset', preset, '--parallel', `${availableParallelism()}`, '--target', ...targets]);
  return folder;
}

/**
 * What starts a program that finds the build's programs where those of the checkout are: nothing that is shipped has to know of it,
 * and whoever copies them has a copy of these.
 */
export function inPlace(folder, programs) {
  const mounts = Object.entries(programs).map(([name, path]) => `mount --bind ${join(folder, path)} build/Release/${name}`);
  return ['unshare', '--mount', 'sh', '-c', `${mounts.join(' && ')} && exec "$@"`, 'sh'];
}

/**
 * A file of tests by itself; whether it went well.
 * @param under a program that runs it, with its words
 * @param leftOut patterns of titles
 */
export function testFile(file, { under = [], env = {}, config = 'ava.host.config.js', leftOut = [], nodeArguments } = {}) {
  const ava = ['node_modules/ava/entrypoints/cli.mjs', '--config', config, '--timeout=20m'];
  const forNode = nodeArguments === undefined ? [] : [`--node-arguments=${nodeArguments}`];
  const [command, ...args] = [...under, process.execPath, ...ava, ...forNode, ...leftOut.map((title) => `--match=!${title}`), file];
  const { status } = spawnSync(command, args, { cwd: checkout, stdio: 'inherit', env: { ...process.env, ...env }, timeout: limitMs, killSignal: 'SIGKILL' });
  return status === 0;
}
