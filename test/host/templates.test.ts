// Starts that take over an earlier one's plan: what may have changed in between is seen all the same.
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Runtime, type RunOptions } from '../../src/index.js';
import { makeImage } from '../support/images.js';
import { Lab, outcome } from '../support/lab.js';
import { needs } from '../support/needs.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');

const says = async (options: RunOptions, image: string) => (await lab.run(options, image)).stdout;

here('each start has its own name, in every place where a name stands', async (t) => {
  const command = ['sh', '-c', 'hostname; cat /etc/hostname; grep -o 127.0.1.1.* /etc/hosts; echo $HOSTNAME; grep ^0: /proc/self/cgroup'];
  const runtime = await lab.runtime();
  const image = makeImage(lab, {});
  symlinkSync('busybox', join(image, 'bin/hostname'));
  for (const root of ['disposable', 'disposable', 'disposable', 'writable', 'writable'] as const) {
    const id = lab.newId();
    const container = await runtime.run(image, { id, command, root });
    t.is((await outcome(container)).stdout, `${id}\n${id}\n127.0.1.1\t${id}\n${id}\n0::/\n`);
    t.is(container.record.spec.hostname, id);
    t.true(container.record.spec.process?.env?.includes(`HOSTNAME=${id}`));
    t.true(container.record.cgroup.includes(`/${id}-`));
  }
});

here('a user of the image that has another number now', async (t) => {
  const image = makeImage(lab, {});
  const passwd = (uid: number) => { writeFileSync(join(image, 'etc/passwd'), `root:x:0:0::/:/bin/sh\nweb:x:${uid}:7::/:/bin/sh\n`); };
  for (const uid of [1000, 2000, 2000, 3000]) {
    passwd(uid);
    t.is(await says({ command: ['id', '-u'], user: 'web' }, image), `${uid}\n`);
  }
  rmSync(join(image, 'etc/passwd'));
  await t.throwsAsync(lab.run({ command: ['id', '-u'], user: 'web' }, image), { code: 'ERR_TSRUN_USER_NOT_FOUND' });
  mkdirSync(join(image, 'etc/passwd'));
  await t.throwsAsync(lab.run({ command: ['id', '-u'], user: 'web' }, image), { code: 'ERR_TSRUN_IMAGE' });
});

here('options that the caller has changed in place', async (t) => {
  const env: Record<string, string> = { WORD: 'one' };
  const options: RunOptions = { command: ['sh', '-c', 'echo $WORD'], env };
  t.is(await says(options, lab.image), 'one\n');
  env['WORD'] = 'two';
  t.is(await says(options, lab.image), 'two\n');
  env['WORD'] = 'one';
  t.is(await says(options, lab.image), 'one\n');
});

here('an option that says something else each time it is asked', async (t) => {
  const command = ['sh', '-c', 'echo $A'];
  let asked = 0;
  const env = { get A() { return asked++ < 2 ? 'one' : 'two'; } };
  await lab.run({ command, env });
  t.is(await says({ command, env: { A: 'one' } }, lab.image), 'one\n');
  t.is(await says({ command, env: { A: 'two' } }, lab.image), 'two\n');
});

here('many at once, each in ids of its own', async (t) => {
  const runtime = await Runtime.open({ root: lab.stateRoot });
  const maps = async () => (await outcome(await runtime.run(lab.image, { id: lab.newId(), command: ['sh', '-c', 'cat /proc/self/uid_map; sleep 0.3'] }))).stdout;
  for (let turn = 0; turn < 2; turn++) t.is(new Set(await Promise.all(Array.from({ length: 8 }, maps))).size, 8);
  await runtime.close();
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
