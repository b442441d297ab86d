// Disposable roots whose writes go to disk: held to their size by project quotas, and gone with the container, however it ends.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { Runtime, TsrunError, type Container, type RunOptions } from '../../src/index.js';
import { Lab, outcome, patience } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { statusOf } from '../support/proc.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay', 'command:mkfs.ext4');
/** Where the kernel has quotas: Debian's has. */
const withQuotas = needs('root', 'userns', 'overlay', 'command:mkfs.ext4', 'lane:vm');
const mounted: string[] = [];
let stateRoots = 0;

interface DiskKind {
  readonly make: readonly string[];
  readonly options: string;
}

const kinds: Readonly<Record<string, DiskKind>> = {
  ext4: { make: ['mkfs.ext4', '-q', '-O', 'quota,project', '-E', 'quotatype=prjquota'], options: 'loop,prjquota' },
  xfs: { make: ['mkfs.xfs', '-q'], options: 'loop,pquota' },
  plain: { make: ['mkfs.ext4', '-q'], options: 'loop' },
  counted: { make: ['mkfs.ext4', '-q', '-O', 'quota,project', '-E', 'quotatype=prjquota'], options: 'loop' },
};

function run(tool: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(tool, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${tool} ${args.join(' ')}: ${stderr}`);
}

/** A file system of its own, as the image root. */
function disk(kind: string): string {
  const { make: [tool = '', ...args], options } = kinds[kind] ?? { make: [], options: '' };
  const folder = mkdtempSync(join(lab.scratch, `${kind}-`));
  const file = `${folder}.image`;
  writeFileSync(file, '');
  truncateSync(file, 400 * 2 ** 20);
  run(tool, [...args, file]);
  run('mount', ['-o', options, file, folder]);
  mounted.push(folder);
  return folder;
}

async function withRuntime(imageRoot: string, work: (runtime: Runtime, uppers: () => string[], stateRoot: string) => Promise<void>): Promise<void> {
  process.env['TSRUN_IMAGES'] = imageRoot;
  const stateRoot = join(lab.stateRoot, `s${stateRoots++}`);
  const uppers = () => (existsSync(join(imageRoot, 'uppers')) ? readdirSync(join(imageRoot, 'uppers')) : []);
  const runtime = await Runtime.open({ root: stateRoot });
  try {
    await work(runtime, uppers, stateRoot);
  } finally {
    await runtime.close();
    delete process.env['TSRUN_IMAGES'];
    for (const folder of mounted.splice(0)) await unmount(folder);
  }
}

/** The process that removes an upper may still have its folder open. */
async function unmount(folder: string): Promise<void> {
  for (let tries = 0; spawnSync('umount', [folder]).status !== 0; tries++) {
    if (tries === 100 * patience) throw new Error(`${folder} is busy`);
    await delay(50);
  }
}

async function start(runtime: Runtime, script: string, options: RunOptions = {}): Promise<Container> {
  return runtime.run(lab.image, { id: lab.newId(), rootStorage: 'disk', command: ['sh', '-c', script], ...options });
}

async function gone(t: ExecutionContext, uppers: () => string[]): Promise<void> {
  for (let tries = 0; uppers().length > 0 && tries < 100 * patience; tries++) await delay(50);
  t.deepEqual(uppers(), []);
}

const fill = 'busybox dd if=/dev/zero of=/big bs=1000000 count=30 2>/dev/shm/said; busybox cat /dev/shm/said; busybox wc -c </big; busybox df -k / | busybox tail -n 1';

for (const kind of ['ext4', 'xfs'] as const) {
  const declare = needs('root', 'userns', 'overlay', `command:mkfs.${kind}`, 'lane:vm');
  declare(`${kind}: a root on disk is full when its bytes are, and nothing is left of it`, async (t) => {
    const imageRoot = disk(kind);
    await withRuntime(imageRoot, async (runtime, uppers) => {
      const containers = await Promise.all(['8m', '16m'].map(async (rootBytes) => start(runtime, fill, { rootBytes })));
      const outcomes = await Promise.all(containers.map(async (container) => outcome(container)));
      for (const [index, { stdout, stderr }] of outcomes.entries()) {
        const limit = (index + 1) * 8 * 2 ** 20;
        t.regex(stdout, /No space left on device|Disk quota exceeded/, stderr);
        const size = Number(/^(\d+)$/m.exec(stdout)?.[1]);
        t.true(size > limit / 2 && size <= limit, `${size} of ${limit}`);
      }
      await gone(t, uppers);
    });
  });
}

withQuotas('what is copied into one that has ended is held to its size as well', async (t) => {
  await withRuntime(disk('ext4'), async (runtime, uppers) => {
    const { id, exited } = await start(runtime, 'true', { rootBytes: '8m', autoRemove: false });
    await exited;
    const source = mkdtempSync(join(lab.scratch, 'large-'));
    writeFileSync(join(source, 'fits'), Buffer.alloc(2 ** 20, 'x'));
    writeFileSync(join(source, 'large'), Buffer.alloc(20 * 2 ** 20, 'x'));
    t.is((await runtime.copyIn(id, join(source, 'fits'), '/')).bytes, 2 ** 20);
    const error = await t.throwsAsync(runtime.copyIn(id, join(source, 'large'), '/'), { instanceOf: TsrunError });
    t.regex(error.message, /: write in '?.*: (?:ENOSPC|EDQUOT)$/);
    runtime.remove(id);
    await gone(t, uppers);
  });
});

here('without a size nothing limits a root on disk, and no quota is needed', async (t) => {
  await withRuntime(disk('plain'), async (runtime, uppers) => {
    const container = await start(runtime, `${fill}; rm -r /etc; mkdir /etc; busybox stat -c %u /etc /big`);
    t.is(uppers().length, 1);
    t.regex(uppers()[0] ?? '', new RegExp(`^[0-9a-f]{16}-${container.id}-[0-9a-f]{8}$`));
    const { stdout } = await outcome(container);
    t.regex(stdout, /^30000000$/m);
    t.regex(stdout, /^0\n0$/m);
    await gone(t, uppers);
  });
});

async function refusesSize(t: ExecutionContext, kind: string): Promise<void> {
  await withRuntime(disk(kind), async (runtime, uppers) => {
    const error = await t.throwsAsync(start(runtime, 'true', { rootBytes: '8m' }), { instanceOf: TsrunError });
    t.like(error, { code: 'ERR_TSRUN_HOST', field: '/rootBytes' });
    t.regex(error.message, /\(ext2\/ext3\/ext4\) holds no project quotas, by which a root on disk is held to its size/);
    t.regex(error.hint ?? '', /prjquota/);
    await gone(t, uppers);
  });
}

here('a size where it could not be held is refused, and says what to do', async (t) => refusesSize(t, 'plain'));

withQuotas('so it is where it would be counted, but not held', async (t) => refusesSize(t, 'counted'));

here('what a container wrote stays as long as its record', async (t) => {
  await withRuntime(disk('plain'), async (runtime, uppers) => {
    const container = await start(runtime, 'echo kept >/file', { autoRemove: false });
    await container.exited;
    const folder = container.record.extensions.root?.kind === 'disposable' ? (container.record.extensions.root.disk?.folder ?? '') : '';
    t.true(existsSync(join(folder, 'upper/file')));
    await runtime.gc();
    t.true(existsSync(join(folder, 'upper/file')), 'gc leaves what was to be kept');
    runtime.remove(container.id);
    await gone(t, uppers);
  });
});

here('with the record it is gone when the runtime that removed it is closed', async (t) => {
  await withRuntime(disk('plain'), async (runtime, uppers, stateRoot) => {
    const container = await start(runtime, 'mkdir a; i=0; while [ $i -lt 2000 ]; do : >a/$i; i=$((i+1)); done', { autoRemove: false });
    await container.exited;
    t.is(uppers().length, 1);
    // As `tsrun rm` does it.
    const other = await Runtime.open({ root: stateRoot });
    other.remove(container.id);
    await other.close();
    t.deepEqual(uppers(), []);
  });
});

here('trees of any depth go, and files that nobody may touch', async (t) => {
  await withRuntime(disk('plain'), async (runtime, uppers) => {
    const deep = 'mkdir -p /d; cd /d; i=0; while [ $i -lt 600 ]; do mkdir 0123456789012345678901234567890123456789; cd 0123456789012345678901234567890123456789; i=$((i+1)); done; echo x >file; cd /; mkdir /closed; echo x >/closed/x; busybox chmod 0 /closed; for i in 1 2 3 4 5 6 7 8 9; do mkdir -p /many/$i/$i/$i; echo >/many/$i/$i/$i/f; done';
    await outcome(await start(runtime, deep));
    await gone(t, uppers);
    const kept = await start(runtime, deep, { autoRemove: false });
    await outcome(kept);
    runtime.remove(kept.id);
    await gone(t, uppers);
  });
});

here('a killed launcher leaves nothing that the next does not remove', async (t) => {
  await withRuntime(disk('plain'), async (runtime, uppers, stateRoot) => {
    const container = await start(runtime, 'echo x >/file; sleep 1000');
    process.kill(Number(statusOf(container.pid).get('PPid')), 'SIGKILL');
    await container.exited.catch(() => undefined);
    t.is(uppers().length, 1);
    // An upper whose record is gone, and one of another state root.
    const orphan = (uppers()[0] ?? '').replace(/-[0-9a-f]{8}$/, '-00000001').replace(container.id, 'none');
    const foreign = `0000000000000000-none-00000001`;
    for (const name of [orphan, foreign]) mkdirSync(join(process.env['TSRUN_IMAGES'] ?? '', 'uppers', name, 'upper/x'), { recursive: true });
    const next = await Runtime.open({ root: stateRoot });
    t.deepEqual([...next.collected.containers].sort(), [container.id, 'none'].sort());
    await next.close();
    t.deepEqual(uppers(), [foreign]);
  });
});

here('a start that fails leaves nothing, and no upper is used twice', async (t) => {
  await withRuntime(disk('plain'), async (runtime, uppers) => {
    const error = await t.throwsAsync(start(runtime, 'true', { command: ['none'] }), { instanceOf: TsrunError });
    t.is(error.code, 'ERR_TSRUN_COMMAND_NOT_FOUND');
    await gone(t, uppers);
  });
});

lab.declareLeakTest();
