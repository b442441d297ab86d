// Builds addon, launcher and reaper with node-gyp, against the headers of the Node that runs this when they are there.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const nodeDirectory = dirname(dirname(process.execPath));
const ownHeaders = existsSync(join(nodeDirectory, 'include/node/node_api.h')) ? [`--nodedir=${nodeDirectory}`] : [];
const gyp = join(root, 'node_modules/node-gyp/bin/node-gyp.js');
const makefile = join(root, 'build/Makefile');
const newerThanMakefile = (file) => statSync(join(root, file)).mtimeMs > statSync(makefile).mtimeMs;
const configured = existsSync(makefile) && !['binding.gyp', 'native/sources.txt'].some(newerThanMakefile);
const command = configured ? 'build' : 'rebuild';
const built = spawnSync(process.execPath, [gyp, command, '--jobs=2', '--loglevel=warn', ...ownHeaders], { cwd: root, stdio: 'inherit' });
process.exitCode = built.status ?? 1;
