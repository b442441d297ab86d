// Sizes of dynos with a disk: full for one is full for it alone, a new start begins empty, and a host that cannot hold it says so before.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Formation, Runtime, type DynoSize, type FormationOptions } from '../../src/index.js';
import { Lab, patience } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { until } from '../support/until.js';

const lab = new Lab();
/** Where the kernel has quotas, and controllers for a size: Debian's in a guest has. */
const guest = needs('root', 'userns', 'overlay', 'command:mkfs.ext4', 'lane:vm', 'cgroup2:memory');
const mebibyte = 2 ** 20;
const size: DynoSize = { memoryBytes: 64 * mebibyte, diskBytes: 8 * mebibyte };
const counted = ['-O', 'quota,project', '-E', 'quotatype=prjquota'];

/** On a file system of its own, as the image root. */
async function withDisk(make: readonly string[], options: string, work: (runtime: Runtime, imageRoot: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(lab.scratch, 'disk-'));
  const file = `${folder}.image`;
  writeFileSync(file, '');
  truncateSync(file, 400 * mebibyte);
  run('mkfs.ext4', ['-q', ...make, file]);
  run('mount', ['-o', options, file, folder]);
  const runtime = await Runtime.open({ root: join(lab.stateRoot, `s-${lab.newId()}`), imageRoot: folder });
  try {
    await work(runtime, folder);
  } finally {
    await runtime.close();
    // The process that removes an upper may still have its folder open.
    for (let tries = 0; spawnSync('umount', [folder]).status !== 0; tries++) {
      if (tries === 100 * patience) throw new Error(`${folder} is busy`);
      await delay(50);
    }
  }
}

function run(tool: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(tool, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${tool} ${args.join(' ')}: ${stderr}`);
}

const fill = 'dd if=/dev/zero of=/big bs=1000000 count=20 2>/dev/shm/said; cat /dev/shm/said >&2; echo "holds $(wc -c </big)"; exec sleep 1000';
const formation: FormationOptions = { restart: 'never', processTypes: { worker: { command: fill, size } }, container: { user: '0:0' } };

guest('each dyno has its disk, which is full when its bytes are; a restart begins empty, and nothing is left', async (t) => {
  await withDisk(counted, 'loop,prjquota', async (runtime, imageRoot) => {
    const watched = await Formation.start(runtime, lab.image, { name: lab.newId(), ...formation, quantities: { worker: 2 } });
    const said: string[] = [];
    const reading = (async () => {
      for await (const { source, dyno, message } of watched.logs()) if (source === 'app') said.push(`${dyno} ${message}`);
    })();
    const held = (dyno: string) => said.flatMap((line) => (line.startsWith(`${dyno} holds `) ? [Number(line.split(' ').at(-1))] : []));
    await until(() => held('worker.1').length === 1 && held('worker.2').length === 1, 'the disks to be full');
    await watched.restart('worker.1');
    await until(() => held('worker.1').length === 2, 'the new one to be full');
    for (const bytes of [...held('worker.1'), ...held('worker.2')]) t.true(bytes > 4 * mebibyte && bytes <= 8 * mebibyte, `${bytes}`);
    t.is(said.filter((line) => /No space left on device|Disk quota exceeded/.test(line)).length, 3, said.join('\n'));
    t.deepEqual(watched.dynos.map(({ state }) => state), ['up', 'up'], 'it is told, and lives');
    await watched.stop();
    await reading;
    const uppers = () => (existsSync(join(imageRoot, 'uppers')) ? readdirSync(join(imageRoot, 'uppers')) : []);
    await until(() => uppers().length === 0, 'their disks to be gone');
  });
});

for (const [what, make, options] of [['has no quotas', [], 'loop'], ['counts, and holds nobody to it', counted, 'loop']] as const) {
  guest(`a disk that ${what}: refused before anything is started, also when it is scaled up`, async (t) => {
    await withDisk(make, options, async (runtime) => {
      const refusal = { code: 'ERR_TSRUN_HOST', message: /\(ext2\/ext3\/ext4\) holds no project quotas, by which a root on disk is held to its size$/ };
      await t.throwsAsync(Formation.start(runtime, lab.image, { name: lab.newId(), ...formation, quantities: { worker: 1 } }), refusal);
      const none = await Formation.start(runtime, lab.image, { name: lab.newId(), ...formation, quantities: { worker: 0 } });
      await t.throwsAsync(none.scale({ worker: 1 }), refusal);
      t.deepEqual(none.dynos, []);
      await none.stop();
      t.deepEqual(runtime.list(), []);
    });
  });
}

lab.declareLeakTest();
