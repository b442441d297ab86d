// The stages that lead to a running tsrun, and what comes after them.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import * as build from './build.mjs';
import { addPackages, lackingPackages } from './packages.mjs';
import { checkout, run } from './run.mjs';
import { Stages } from './stages.mjs';

const goals = {
  start: { fixtures: ['busybox'], next: 'scripts/glance.mjs' },
  test: { fixtures: ['busybox', 'debian', 'applications'], next: 'scripts/run-tests.mjs' },
  pack: { fixtures: [], next: 'scripts/prebuild.mjs' },
  vm: { fixtures: ['busybox', 'debian', 'applications'], next: 'scripts/run-tests.mjs', flags: ['guests'] },
  long: { fixtures: ['busybox', 'debian', 'applications'], next: 'scripts/run-tests.mjs', flags: ['--long'] },
};

const node = (...args) => run(process.execPath, args);

export async function prepare(goal, rest) {
  const chosen = goals[goal];
  if (chosen === undefined) {
    console.error(`usage: node scripts/bootstrap.mjs ${Object.keys(goals).join('|')} [argument...]`);
    return 2;
  }
  const stages = new Stages();
  const ready = await runStages(stages, goal, chosen.fixtures);
  if (!ready) return 1;
  stages.done();
  return existsSync(join(checkout, chosen.next)) ? goOn([chosen.next, ...(chosen.flags ?? []), ...rest]) : 0;
}

async function runStages(stages, goal, fixtures) {
  const lacking = lackingPackages(goal);
  return (
    (await stages.run('packages', lacking.length > 0, () => addPackages(lacking))) &&
    (await stages.run('dependencies', build.dependenciesAreOld(), npmCi)) &&
    (await stages.run('generated code', build.generatedIsOld(), build.generate)) &&
    (await stages.run('TypeScript', build.typeScriptIsOld(), build.buildTypeScript)) &&
    (await stages.run('C++', build.nativeIsOld(), build.buildNative)) &&
    (await stages.run('command', build.cacheIsOld(), build.makeCache)) &&
    (await buildFixtures(stages, fixtures))
  );
}

/** Each recipe knows by itself whether its image is there already. */
async function buildFixtures(stages, fixtures) {
  for (const name of fixtures) {
    if (!(await stages.run(`${name} image`, true, () => node('rootfs-fixtures/build.mjs', name)))) return false;
  }
  return true;
}

function npmCi() {
  const { npm_execpath: npm } = process.env;
  // A NODE_ENV of production would leave out the compiler.
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  return npm === undefined ? run('npm', args) : node(npm, ...args);
}

/** Takes over this terminal; ctrl-c reaches both processes, and the one that was started decides. */
function goOn(args) {
  const child = spawn(process.execPath, args, { cwd: checkout, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}
