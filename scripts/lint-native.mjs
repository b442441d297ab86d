// clang-tidy over what runs with rights: launcher, steps and reaper. Without its analyzer, and without the addon, whose headers take most of
// the time, it is done in seconds; `npm run lint:native` leaves nothing out.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { quickjs } from './quickjs.mjs';

const root = resolve(import.meta.dirname, '..');
const sources = readFileSync(join(root, 'native/sources.txt'), 'utf8').trim().split('\n').filter((path) => !path.startsWith('native/addon/'));
const tidy = ['--quiet', '--checks=-clang-analyzer-*', ...sources, '--', '-std=c++20', '-Inative', '-isystem', join(quickjs(), 'include'), '-O2'];

const checked = spawnSync('clang-tidy', tidy, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
if (checked.error !== undefined) console.error(`clang-tidy cannot be started: ${checked.error.message}`);
process.exitCode = checked.status ?? 1;
