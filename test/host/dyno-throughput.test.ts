// How much a dyno may print: nothing is lost on the way to a drain that keeps up, memory does not grow, and a line costs little.
import { Formation, type DrainChoice, type LogLine } from '../../src/index.js';
import { collectGarbage } from '../support/holdings.js';
import { Lab, patience } from '../support/lab.js';
import { needs } from '../support/needs.js';

const lab = new Lab();
const rooted = needs('root');
const mebibyte = 2 ** 20;

/** What came of a worker that prints numbers from 1 on, in their order. */
class Numbers {
  count = 0;
  isInOrder = true;
  readonly #seen: (count: number) => void;

  constructor(seen: (count: number) => void = () => undefined) {
    this.#seen = seen;
  }

  readonly take = async (lines: readonly LogLine[]): Promise<void> => {
    for (const { source, message } of lines) if (source === 'app' && Number(message) !== ++this.count) this.isInOrder = false;
    this.#seen(this.count);
    return Promise.resolve();
  };
}

/** Of the heap, with what Node holds beside it, once there is no garbage in it. */
function heldMiB(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / mebibyte;
}

async function print(command: string, drain: DrainChoice): Promise<Formation> {
  const formation = await Formation.start(await lab.runtime(), lab.image, { name: lab.newId(), restart: 'never', processTypes: { worker: { command } }, quantities: { worker: 1 }, drains: [drain] });
  for await (const { type } of formation.events()) if (type === 'ended') break;
  return formation;
}

rooted('B5: 200,000 lines a second reach a drain that nobody waits for: all of them, in their order', async (t) => {
  const [pieces, lines] = [150, 4000];
  const numbers = new Numbers();
  const begunMs = performance.now();
  const formation = await print(`i=0; while [ $i -lt ${pieces} ]; do seq $((i * ${lines} + 1)) $((i * ${lines} + ${lines})); usleep 10000; i=$((i + 1)); done`, { to: numbers.take });
  const rate = (pieces * lines) / ((performance.now() - begunMs) / 1000);
  const [drain] = formation.drains;
  await formation.stop();
  t.log(`${Math.round(rate)} lines a second; they are fewer where others want the processors`);
  t.like(drain, { dropped: 0, lost: 0 });
  t.is(numbers.count, pieces * lines);
  t.true(numbers.isInOrder);
});

rooted('B5: who prints as fast as it can waits for a drain that says so: nothing is lost, memory stays as it is, and a line takes less than 5 µs of processor time', async (t) => {
  const [warm, all] = [500_000, 2_000_000];
  let [begun, warmMiB] = [process.cpuUsage(), 0];
  const numbers = new Numbers((count) => {
    if (count < warm || warmMiB > 0) return;
    [warmMiB, begun] = [heldMiB(), process.cpuUsage()];
  });
  const formation = await print(`exec seq ${all}`, { to: numbers.take, blocks: true });
  const { user, system } = process.cpuUsage(begun);
  const [grownMiB, lineUs] = [heldMiB() - warmMiB, (user + system) / (all - warm)];
  await formation.stop();
  t.log(`${lineUs.toFixed(2)} µs a line, ${grownMiB.toFixed(1)} MiB more than after the first ${warm}`);
  t.is(numbers.count, all);
  t.true(numbers.isInOrder);
  // A drain's buffer has eight; kept, they would be 150 and more.
  t.true(grownMiB < 20, String(grownMiB));
  t.true(lineUs < 5 * patience, String(lineUs));
});

lab.declareLeakTest();
