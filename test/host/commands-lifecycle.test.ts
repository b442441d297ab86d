/** `tsrun ps`, `kill`, `stop`, `rm`, `pause`, `unpause` and `wait`: from another shell, on containers in the background. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CommandLab, refusal } from '../support/command-lab.js';
import { readObjects } from '../support/json.js';
import { patience } from '../support/lab.js';
import { needs } from '../support/needs.js';

const lab = new CommandLab();
const rooted = needs('root', 'cgroup2');

/** Until a command surely waits for a container: nothing of that can be seen from outside. */
const attachMs = 500 * patience;

/** Ends at a signal with a code of its own; it listens when this resolves. */
async function politeContainer(signal = 'TERM', ...flags: string[]): Promise<string> {
  const id = await lab.background(flags, `trap 'exit 5' ${signal}; echo ready; while true; do sleep 0.1; done`);
  await lab.until('the trap', async () => (await lab.call(['logs', id])).stdout.startsWith('ready'));
  return id;
}

rooted('a record that says nothing: ps tells of it, and rm -f ends what runs under its name', async (t) => {
  const id = await lab.background();
  const folder = join(lab.stateRoot, 'containers', id);
  const record = readFileSync(join(folder, 'state.json'));
  const { cgroup } = (await lab.find(id))?.record ?? { cgroup: '' };
  for (const text of ['', record.subarray(0, 10), '{"version":99}']) {
    writeFileSync(join(folder, 'state.json'), text);
    const heard = { stdout: '', stderr: '' };
    await lab.call(['ps'], heard);
    t.regex(heard.stderr, new RegExp(`the record of "${id}" is damaged`));
    t.regex((await lab.call(['rm', id])).stderr, /tsrun rm -f/);
    t.is((await lab.call(['gc'])).code, 0);
    t.true(existsSync(folder), 'its launcher lives');
  }
  t.is((await lab.call(['rm', '-f', id])).code, 0);
  t.deepEqual([existsSync(folder), existsSync(cgroup)], [false, false]);
});

rooted('a FIFO, a folder or gigabytes in the place of a file of its record: others are run, and rm -f ends it', async (t) => {
  const makers: readonly ((path: string) => unknown)[] = [mkdirSync, (path) => execFileSync('mkfifo', [path]), (path) => { writeFileSync(path, ''); truncateSync(path, 600_000_000); }];
  for (const [index, make] of makers.entries()) {
    for (const name of ['state.json', 'pid', 'exit']) {
      const id = await lab.background();
      const folder = join(lab.stateRoot, 'containers', id);
      const { cgroup } = (await lab.find(id))?.record ?? { cgroup: '' };
      rmSync(join(folder, name), { force: true });
      make(join(folder, name));
      const what = `${index} ${name}`;
      t.is((await lab.call(['ps'])).code, 0, what);
      t.is((await lab.call(['gc'])).code, 0, what);
      t.is((await lab.call(['run', '--rm', lab.image, 'true'])).code, 0, what);
      t.true(existsSync(folder), what);
      t.like(await lab.call(['rm', '-f', id]), { code: 0, stderr: '' }, what);
      t.deepEqual([existsSync(folder), existsSync(cgroup)], [false, false], what);
    }
  }
});

rooted('ps: what runs, and with -a what has ended, newest first', async (t) => {
  const live = await lab.background();
  const gone = await lab.ended('exit 3');
  const shown = await lab.table(['ps']);
  t.deepEqual(shown.get('CONTAINER'), ['CONTAINER', 'IMAGE', 'COMMAND', 'CREATED', 'STATUS']);
  t.deepEqual(shown.get(live)?.slice(0, 3), [live, basename(lab.image), '"sh -c sleep 1000"']);
  t.regex(shown.get(live)?.[3] ?? '', /^(?:now|\d.*s ago)$/);
  t.regex(shown.get(live)?.[4] ?? '', /^Up \d/);
  t.false(shown.has(gone));
  const all = await lab.table(['ps', '-a']);
  t.regex(all.get(gone)?.[4] ?? '', /^Exited \(3\) \d.* ago$/);
  t.deepEqual([...all.keys()].slice(1), [gone, live]);
  await lab.forget(live, gone);
});

rooted('ps: names alone, and JSON', async (t) => {
  const live = await lab.background(['--label', 'team=a']);
  const gone = await lab.ended('exit 3');
  t.is((await lab.call(['ps', '-q'])).stdout, `${live}\n`);
  t.is((await lab.call(['ps', '-aq'])).stdout, `${gone}\n${live}\n`);
  const [ended, running] = readObjects((await lab.call(['ps', '-a', '--json'])).stdout);
  t.like(running, { id: live, state: 'running', image: basename(lab.image), command: ['sh', '-c', 'sleep 1000'], labels: { team: 'a' } });
  t.true(existsSync(`/proc/${String(running?.['pid'])}`));
  t.like(ended, { id: gone, state: 'stopped', exit: { code: 3, cause: 'exit' } });
  t.false('pid' in (ended ?? {}));
  await lab.forget(live, gone);
});

rooted('kill: SIGKILL unless another signal is named', async (t) => {
  const [killed, ended] = [await lab.background(), await politeContainer()];
  t.is((await lab.call(['kill', killed])).stdout, `${killed}\n`);
  t.is((await lab.call(['kill', '-s', 'TERM', ended])).stdout, `${ended}\n`);
  t.is((await lab.call(['wait', killed, ended])).stdout, '137\n5\n');
  t.deepEqual(refusal(await lab.call(['kill', killed])), [1, '', `tsrun: the container '${killed}' is not running`]);
  await lab.forget(killed, ended);
});

rooted('stop: the stop signal, then SIGKILL', async (t) => {
  const [soft, other, stubborn] = [await politeContainer(), await politeContainer('INT', '--stop-signal', 'INT'), await lab.background(['--stop-timeout', '1000'])];
  t.is((await lab.call(['stop', soft])).stdout, `${soft}\n`);
  t.is((await lab.call(['stop', other])).stdout, `${other}\n`);
  // A first process that has no handler for SIGTERM does not hear it.
  t.is((await lab.call(['stop', '-t', '1', stubborn])).stdout, `${stubborn}\n`);
  t.is((await lab.call(['wait', soft, other, stubborn])).stdout, '5\n5\n137\n');
  t.is((await lab.call(['stop', soft])).stdout, `${soft}\n`, 'one that has ended is what was asked for');
  const named = await politeContainer('INT');
  t.is((await lab.call(['stop', '-s', 'INT', named])).stdout, `${named}\n`);
  t.is((await lab.call(['wait', named])).stdout, '5\n');
  await lab.forget(soft, other, stubborn, named);
});

rooted('rm: forgets what has ended; with -f kills first', async (t) => {
  const live = await lab.background();
  const gone = await lab.ended('true');
  const mixed = await lab.call(['rm', live, gone, 'no-such']);
  t.is(mixed.code, 1);
  t.is(mixed.stdout, `${gone}\n`, 'what can be done is done');
  t.regex(mixed.stderr, new RegExp(`^tsrun: the container '${live}' is running$`, 'm'));
  t.regex(mixed.stderr, /^tsrun: there is no container 'no-such'$/m);
  t.is((await lab.call(['rm', '-f', live])).stdout, `${live}\n`);
  t.is((await lab.call(['ps', '-aq'])).stdout, '');
  const temporary = await lab.background(['--rm']);
  t.is((await lab.call(['rm', '-f', temporary])).stdout, `${temporary}\n`, 'also one that forgets itself');
});

rooted('pause and unpause: nothing runs in between', async (t) => {
  const id = await lab.background([], 'while true; do echo x; sleep 0.05; done');
  t.is((await lab.call(['pause', id])).stdout, `${id}\n`);
  t.regex((await lab.table(['ps'])).get(id)?.[4] ?? '', /^Up .* \(paused\)$/);
  t.is(readObjects((await lab.call(['ps', '--json'])).stdout)[0]?.['state'], 'paused');
  const before = (await lab.call(['logs', id])).stdout;
  await delay(300);
  t.is((await lab.call(['logs', id])).stdout, before);
  t.deepEqual(refusal(await lab.call(['pause', id])), [1, '', `tsrun: the container '${id}' is already paused`]);
  t.is((await lab.call(['unpause', id])).stdout, `${id}\n`);
  await lab.until('it goes on', async () => (await lab.call(['logs', id])).stdout.length > before.length);
  t.deepEqual(refusal(await lab.call(['unpause', id])), [1, '', `tsrun: the container '${id}' is not paused`]);
  await lab.forget(id);
});

rooted('a paused container is stopped, killed and removed like any other', async (t) => {
  const [soft, killed, removed] = [await politeContainer(), await lab.background(), await lab.background()];
  await lab.call(['pause', soft, killed, removed]);
  t.is((await lab.call(['stop', soft])).stdout, `${soft}\n`);
  t.is((await lab.call(['wait', soft])).stdout, '5\n', 'it had its chance');
  t.is((await lab.call(['kill', killed])).stdout, `${killed}\n`);
  t.is((await lab.call(['wait', killed])).stdout, '137\n');
  t.is((await lab.call(['rm', '-f', removed])).stdout, `${removed}\n`);
  await lab.forget(soft, killed);
});

rooted('wait: codes in the order of the names, also of those that forget themselves', async (t) => {
  const [first, second, kept] = [await lab.background(['--rm']), await politeContainer('TERM', '--rm'), await lab.ended('exit 9')];
  const waiting = lab.call(['wait', first, kept, second]);
  await delay(attachMs);
  await lab.call(['stop', second]);
  await lab.until('the second is gone', async () => (await lab.find(second)) === undefined);
  await lab.call(['kill', first]);
  t.like(await waiting, { code: 0, stdout: '137\n9\n5\n' });
  t.is((await lab.call(['ps', '-aq'])).stdout, `${kept}\n`);
  t.like(await lab.call(['wait', kept, first]), { code: 1, stdout: '9\n' });
  await lab.forget(kept);
});

rooted('wait: a container whose launcher was killed has no code', async (t) => {
  const id = await lab.background();
  const waiting = lab.call(['wait', id]);
  const launcher = Number(readFileSync(`/proc/${String((await lab.find(id))?.pid)}/stat`, 'utf8').split(') ')[1]?.split(' ')[1]);
  await delay(attachMs);
  process.kill(launcher, 'SIGKILL');
  t.deepEqual(refusal(await waiting), [1, '', `tsrun: the launcher of '${id}' was killed, and the container with it`]);
  t.regex((await lab.call(['gc'])).stdout, new RegExp(`^removed container ${id}\n`));
  t.false(existsSync(join(lab.stateRoot, 'containers', id)));
  t.is((await lab.call(['gc'])).stdout, '', 'nothing is left to remove');
});

rooted('names that are none are refused before anything is done', async (t) => {
  for (const command of ['kill', 'stop', 'rm', 'pause', 'unpause', 'wait']) {
    t.deepEqual(refusal(await lab.call([command, '../x'])), [125, '', 'tsrun: "../x" cannot be the name of a container'], command);
    const unknown = await lab.call([command, 'no-such']);
    t.deepEqual(refusal(unknown), [1, '', "tsrun: there is no container 'no-such'"], command);
  }
  // What is no name of a container may be one of an image.
  for (const [name, image] of [['no-such', "there is no image 'no-such' in the store"], ['../no-such', "image '../no-such' does not exist"]] as const) {
    t.deepEqual(refusal(await lab.call(['inspect', name])), [1, '', `tsrun: there is no container '${name}', and ${image}`]);
  }
});

rooted('a record that cannot be read hides no other container', async (t) => {
  const id = await lab.background();
  const folder = join(lab.stateRoot, 'containers', 'other-version');
  mkdirSync(folder);
  writeFileSync(join(folder, 'state.json'), '{"version":99}');
  t.is((await lab.call(['ps', '-aq'])).stdout, `${id}\n`);
  const { code, stderr } = await lab.call(['inspect', 'other-version']);
  t.is(code, 1);
  t.regex(stderr, /was written by another version of tsrun\nhint: /);
  t.is((await lab.call(['gc'])).stdout, '');
  rmSync(folder, { recursive: true });
  await lab.forget(id);
});

lab.declareLeakTest();
