// Sockets that begin to listen, told by the kernel while somebody asks for it; floods of them, and what is lost then.
import type { Container, RunOptions } from '../../src/index.js';
import { listeningOf } from '../../src/container/listening.js';
import type { Listening } from '../../src/engine/requests.js';
import { PortWatch } from '../../src/dyno/port-watch.js';
import { systemClock } from '../../src/dyno/clock.js';
import { FakeClock } from '../dyno/fake-clock.js';
import { watchFormation } from '../support/dyno-lab.js';
import { Lab } from '../support/lab.js';
import { launchersOf } from '../support/leaks.js';
import { needs } from '../support/needs.js';
import { until } from '../support/until.js';

const lab = new Lab();
const here = needs('root', 'cgroup2', 'kernel:5.15');
const floods = needs('root', 'cgroup2', 'kernel:5.15', 'command:perl');

/** Perl of the host, where the image has none. */
const withPerl: RunOptions = { mounts: ['/usr', '/lib', '/lib64'].map((path) => ({ type: 'bind', source: path, destination: path, options: ['rbind', 'ro', 'symfollow'] })) };

/** Each time that it reads a line: listens so often, anew each time, on a port that is free. */
const listener = String.raw`use Socket; $| = 1; print "ready\n";
while (<STDIN>) { for (1..$_) { socket(S, PF_INET, SOCK_STREAM, 0) && listen(S, 1) || die $!; close S } print "done $_" }`;

/** A container that is watched, and what is told of it. */
async function watched(options: RunOptions): Promise<{ readonly container: Container; readonly told: Listening[] }> {
  const container = await lab.start({ stdin: 'pipe', ...options });
  const told: Listening[] = [];
  await listeningOf(container).watch((each) => told.push(each));
  return { container, told };
}

async function perl() {
  const { container, told } = await watched({ ...withPerl, command: ['/usr/bin/perl', '-e', listener] });
  let said = '';
  container.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const listen = async (times: number) => {
    said = '';
    container.stdin?.write(`${times}\n`);
    await until(() => said.includes(`done ${times}`), 'it to have listened');
  };
  await until(() => said.includes('ready'), 'perl');
  return { container, told, listen };
}

const words = (told: readonly Listening[]) => told.map((each) => (typeof each === 'string' ? each : `${each.port} ${Buffer.from(each.address).toString('hex')}`));

here('each socket that begins to listen is told, with port and address, of those containers that are watched alone', async (t) => {
  const { container, told } = await watched({ command: ['sh', '-c', 'read go; httpd -p 127.0.0.1:6000; httpd -p 0.0.0.0:6001; httpd -p [::1]:6002; httpd -p [::]:6003; echo up; sleep 1000'] });
  const other = await watched({ command: ['sh', '-c', 'httpd -p 7000; sleep 1000'] });
  const silent = await lab.start({ command: ['sh', '-c', 'httpd -p 8000; sleep 1000'] });
  container.stdin?.write('\n');
  await until(() => told.length === 4, 'four listeners');
  t.deepEqual(words(told), ['6000 7f000001', '6001 00000000', `6002 ${'0'.repeat(31)}1`, `6003 ${'0'.repeat(32)}`]);
  t.true(words(other.told).every((each) => each.startsWith('7000')), 'the other one may have been faster than its watch');
  for (const each of [container, other.container, silent]) await each[Symbol.asyncDispose]();
});

here('nothing is told after the end of a watch; it can begin again', async (t) => {
  const { container, told } = await watched({ command: ['sh', '-c', 'while read port; do httpd -p $port; echo $port; done'] });
  let said = '';
  container.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const listen = async (port: number) => {
    container.stdin?.write(`${port}\n`);
    await until(() => said.includes(String(port)), 'it to listen');
  };
  await listen(6000);
  listeningOf(container).end();
  await listen(6001);
  const again: Listening[] = [];
  await listeningOf(container).watch((each) => again.push(each));
  await listen(6002);
  await until(() => again.length === 1, 'the third');
  t.deepEqual([words(told).map((each) => each.slice(0, 4)), words(again).map((each) => each.slice(0, 4))], [['6000'], ['6002']]);
  await container[Symbol.asyncDispose]();
  await t.throwsAsync(listeningOf(container).watch(() => undefined), { code: 'ERR_TSRUN_STATE' });
});

floods('who listens too often is heard no more, and who does not, is', async (t) => {
  const [hostile, good] = [await perl(), await perl()];
  await hostile.listen(5000);
  await until(() => hostile.told.at(-1) === 'ended', 'the end of it');
  t.true(hostile.told.length <= 17, `${hostile.told.length} events`);
  const { length } = hostile.told;
  await hostile.listen(100);
  await good.listen(1);
  await until(() => good.told.some((each) => typeof each === 'object'), 'the other one');
  t.is(hostile.told.length, length);
  for (const { container } of [hostile, good]) await container[Symbol.asyncDispose]();
});

floods('what finds no room is told as lost to all that are watched, since it may have been any one\'s', async (t) => {
  const [hostile, good] = [await perl(), await perl()];
  const [launcher = 0] = launchersOf(lab.stateRoot);
  process.kill(launcher, 'SIGSTOP');
  try {
    await hostile.listen(5000);
    await good.listen(1);
  } finally {
    process.kill(launcher, 'SIGCONT');
  }
  await until(() => hostile.told.includes('ended') && good.told.includes('lost'), 'both to hear of it');
  t.deepEqual(good.told, ['lost'], 'its own was among those');
  await good.listen(1);
  await until(() => good.told.length === 2, 'the next');
  t.is(typeof good.told[1], 'object');
  for (const { container } of [hostile, good]) await container[Symbol.asyncDispose]();
});

here('web is up by the event alone: no time goes by, so that nothing is looked at twice', async (t) => {
  const clock = new FakeClock();
  const formation = await watchFormation(lab, { clock, processTypes: { web: { command: 'sleep 0.3; exec httpd -f -p $PORT' } }, quantities: { web: 2 } });
  await until(() => formation.formation.dynos.every(({ state }) => state === 'up'), 'dynos to be up');
  await formation.stop();
  t.pass();
});

here('where events are refused the kernel\'s tables are looked at', async (t) => {
  const container = await lab.start({ command: ['sh', '-c', 'sleep 0.1; exec httpd -f -p 5000'] });
  await new Promise<void>((resolve) => {
    const source = { pid: container.pid, watch: async () => Promise.reject(new Error('EPERM')), end: () => undefined };
    return new PortWatch({ clock: systemClock, port: 5000, source, deadlineMs: systemClock.now() + 60_000, onBound: resolve });
  });
  (await container.connect(5000)).destroy();
  await container[Symbol.asyncDispose]();
  t.pass();
});

lab.declareLeakTest();
