// Which processors a program may run on: all of its cgroup's, whatever those who started it are bound to, or those that were asked for.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { SetupError, TsrunError, type Container, type ExecOptions } from '../../src/index.js';
import { makeImage } from '../support/images.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { statusFields } from '../support/proc.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay', 'command:taskset');
const command = ['cat', '/proc/self/status'];

const allowed = (status: string): string | undefined => statusFields(status).get('Cpus_allowed_list');

function ownProcessors(): string {
  const everywhere = spawnSync('taskset', ['--cpu-list', readFileSync('/sys/devices/system/cpu/online', 'utf8').trim(), 'cat', '/proc/self/status'], { encoding: 'utf8' });
  return allowed(everywhere.stdout) ?? '';
}

const first = ownProcessors().replace(/[-,].*/, '');

async function executed(container: Container, options: Partial<ExecOptions> = {}): Promise<string | undefined> {
  const { stdout } = await lab.exec(container, { command, ...options });
  return allowed(stdout);
}

here('a container is not bound to the processors of who starts it, nor is what is executed in it', (t) => {
  const inner = `
    import { readFileSync } from 'node:fs';
    import { Runtime } from ${JSON.stringify(join(import.meta.dirname, '../../src/index.js'))};
    const runtime = await Runtime.open({ root: ${JSON.stringify(lab.stateRoot)} });
    const container = await runtime.run(${JSON.stringify(lab.image)}, { id: ${JSON.stringify(lab.newId())}, command: ['sleep', '1000'] });
    process.stdout.write(readFileSync('/proc/' + container.pid + '/status'));
    await (await runtime.exec(container, { stdout: 'inherit', command: ${JSON.stringify(command)} })).exited;
    await runtime.close();`;
  const { stdout, stderr } = spawnSync('taskset', ['--cpu-list', first, process.execPath, '--input-type=module', '-e', inner], { encoding: 'utf8' });
  const lists = [...stdout.matchAll(/^Cpus_allowed_list:\s*(\S+)$/gm)].map(([, list]) => list);
  t.deepEqual(lists, [ownProcessors(), ownProcessors()], stderr);
});

here('what is executed runs on the processors that were asked for, by the caller or by the config.json', async (t) => {
  const idle = await lab.idle();
  t.is(await executed(idle), ownProcessors());
  t.is(await executed(idle, { cpuAffinity: first }), first);
  t.is(await executed(idle, { cpuAffinity: `${first}-${first},8000` }), first, 'what is not there is left out');
  await idle[Symbol.asyncDispose]();

  const bundle = mkdtempSync(join(lab.scratch, 'bundle-'));
  const namespaces = ['pid', 'mount', 'ipc', 'network'].map((type) => ({ type }));
  const mounts = [{ destination: '/proc', type: 'proc', source: 'proc' }];
  const runs = { user: { uid: 0, gid: 0 }, cwd: '/', args: ['sleep', '1000'], env: ['PATH=/bin'], execCPUAffinity: { initial: first, final: first } };
  writeFileSync(join(bundle, 'config.json'), JSON.stringify({ ociVersion: '1.3.0', root: { path: makeImage(lab) }, process: runs, mounts, linux: { namespaces } }));
  const configured = await lab.start({}, bundle);
  t.is(allowed(readFileSync(`/proc/${configured.pid}/status`, 'utf8')), ownProcessors(), 'it is for what is executed only');
  t.is(await executed(configured), first);
  t.is(await executed(configured, { cpuAffinity: ownProcessors() }), ownProcessors());
  await configured[Symbol.asyncDispose]();
});

here('processors that are not there, or no list of them, are refused', async (t) => {
  const idle = await lab.idle();
  const absent = await t.throwsAsync(lab.exec(idle, { command, cpuAffinity: '8000' }), { instanceOf: SetupError });
  t.like(absent, { op: 'setAffinity', field: '/process/execCPUAffinity/final' });
  t.regex(absent.message, /none of these processors/);
  const wrong = await t.throwsAsync(lab.exec(idle, { command, cpuAffinity: '1-' }), { instanceOf: TsrunError });
  t.is(wrong.code, 'ERR_TSRUN_INVALID_ARGUMENT');
  t.regex(wrong.message, /cpuAffinity.*numbers and ranges/);
  await idle[Symbol.asyncDispose]();
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
