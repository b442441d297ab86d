// `node test/vm/power-cut.mjs [lane] [--cuts N]`: cuts the power of a guest N times (3) at random moments while containers and images are
// made and deleted, state root and image store being on a disk that stays, and looks after each whether every command works. What the
// guest had not yet written to its disk is lost, as with any cut. Ends with one line of counts; a cut that is not survived keeps its disk.
import { mkdtempSync, realpathSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { run } from '../../rootfs-fixtures/shell.mjs';
import { defaultLane, laneNamed } from './lanes.mjs';
import { runInLane } from './run.mjs';

const diskBytes = 2 ** 30;
/** From the first moment of the load on: some lives of containers and one of an image, in a guest that is slow. */
const longestLoadMs = 15_000;
const guestSeconds = 900;
const loaded = /under load/;
const program = 'mkdir -p /mnt && mount -t ext4 /dev/vdb /mnt && exec node dist/test/support/power-cut-guest.js /mnt';

function makeDisk(folder) {
  const disk = join(folder, 'stays.ext4');
  writeFileSync(disk, '');
  truncateSync(disk, diskBytes);
  run('mkfs.ext4', ['-q', '-m', '0', disk]);
  return disk;
}

/** Boots, and cuts the power so many milliseconds after the load has begun. Gives what went wrong before, or undefined. */
async function cut(lane, stays, momentMs) {
  const power = new AbortController();
  let said = '';
  let under = false;
  const output = (bytes) => {
    said += bytes.toString();
    if (under || !loaded.test(said)) return;
    under = true;
    void delay(momentMs).then(() => power.abort());
  };
  const result = await runInLane(lane, ['sh', '-c', program], { stays, timeoutSeconds: guestSeconds, output, errors: (bytes) => { said += bytes.toString(); }, signal: power.signal });
  return power.signal.aborted ? undefined : `${said}${result.failure ?? `it ended with ${result.status}`}\n${result.console}`;
}

/** Boots once more than it cuts: the last is only looked at. */
async function cutAll(lane, stays, cuts) {
  for (let count = 0; count <= cuts; count++) {
    const momentMs = count === cuts ? 0 : Math.floor(Math.random() * longestLoadMs);
    const start = Date.now();
    const wrong = await cut(lane, stays, momentMs);
    if (wrong !== undefined) return { survived: Math.max(0, count - 1), wrong };
    process.stdout.write(`boot ${count}: every command works${count === cuts ? '' : `; cut after ${momentMs} ms of load`} (${((Date.now() - start) / 1000).toFixed(0)} s)\n`);
  }
  return { survived: cuts };
}

async function main() {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { cuts: { type: 'string', default: '3' } } });
  const cuts = Number(values.cuts);
  if (!(Number.isSafeInteger(cuts) && cuts > 0)) throw new Error('usage: node test/vm/power-cut.mjs [lane] [--cuts N]');
  const folder = mkdtempSync(join(tmpdir(), 'tsrun-power-'));
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(name, () => {
      rmSync(folder, { recursive: true });
      process.exit(128 + constants.signals[name]);
    });
  }
  const disk = makeDisk(folder);
  const { survived, wrong } = await cutAll(laneNamed(positionals[0] ?? defaultLane), disk, cuts);
  if (wrong === undefined) rmSync(folder, { recursive: true });
  else process.stderr.write(`after cut ${survived + 1}: ${wrong}\nits disk, as that boot left it: ${disk}\n`);
  process.stdout.write(`${survived} of ${cuts} power cuts survived\n`);
  return wrong === undefined ? 0 : 1;
}

if (process.argv[1] && realpathSync(process.argv[1]) === import.meta.filename) {
  try {
    process.exitCode = await main();
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
  }
}
