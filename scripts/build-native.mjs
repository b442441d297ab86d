// Builds addon, launcher, unpacker and reaper with node-gyp, against the headers of the Node that runs this when they are there.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const nodeDirectory = dirname(dirname(process.execPath));
const ownHeaders = existsSync(join(nodeDirectory, 'include/node/node_api.h')) ? [`--nodedir=${nodeDirectory}`] : [];
const gyp = join(root, 'node_modules/node-gyp/bin/node-gyp.js');

// Those of an `npm pack` that was killed: they would be taken instead of what is built here.
rmSync(join(root, `prebuilds/linux-${process.arch}`), { recursive: true, force: true });

const timeOf = (file) => statSync(join(root, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
// The makefile watches binding.gyp, but not the list of sources that binding.gyp reads.
const configured = timeOf('build/Makefile') >= Math.max(timeOf('binding.gyp'), timeOf('native/sources.txt'));
const commands = configured ? ['build'] : ['configure', 'build'];

const built = spawnSync(process.execPath, [gyp, ...commands, '--jobs=2', '--loglevel=warn', ...ownHeaders], { cwd: root, stdio: 'inherit' });
process.exitCode = built.status ?? 1;
