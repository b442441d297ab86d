// Two hundred dynos of one formation at once, on whatever processors there are.
import { watchFormation } from '../support/dyno-lab.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { until } from '../support/until.js';

const lab = new Lab();
const count = 200;

needs('root')(`${count} dynos come up, say who they are, are scaled, restarted and stopped together, and nothing of them is left`, async (t) => {
  const { formation, lines, events, stop } = await watchFormation(lab, {
    processTypes: { web: { command: 'echo "serving $DYNO"; exec httpd -f -p $PORT' }, worker: { command: 'echo "at work $DYNO"; exec sleep 1000' } },
    quantities: { web: count / 4, worker: (3 * count) / 4 },
  });
  const isUp = () => formation.dynos.every(({ state }) => state === 'up');
  await until(isUp, 'all dynos to be up');
  t.is(formation.dynos.length, count);
  const pids = new Set(formation.dynos.map(({ container }) => container?.pid));
  t.is(pids.size, count);
  const listener = await formation.listen('web', { port: 0 });
  // Each has one of so many connections that come one after the other.
  for (let asked = 0; asked < count / 4; asked++) t.is((await fetch(`http://127.0.0.1:${listener.port}/`)).status, 404);
  await formation.restart('worker');
  await until(() => isUp() && formation.dynos.every(({ type, container }) => (type === 'web') === pids.has(container?.pid)), 'all workers to be new');
  await formation.scale({ worker: 1 });
  t.is(formation.dynos.length, count / 4 + 1);
  await stop();
  for (const [type, word, often] of [['web', 'serving', 1], ['worker', 'at work', 2]] as const) {
    for (let number = 1; number <= (type === 'web' ? count / 4 : (3 * count) / 4); number++) {
      t.is(lines.filter((line) => line === `app[${type}.${number}]: ${word} ${type}.${number}`).length, often, `${type}.${number}`);
    }
  }
  t.deepEqual([...new Set(events.flatMap((event) => (event.type === 'ended' ? [event.death.cause] : [])))], ['stop']);
});

lab.declareLeakTest();
