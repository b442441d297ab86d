// What may lie in a state root under the names of a container's files, and whether it keeps anybody waiting.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { isUnreadable, readWhole } from '../../../src/container/state/discard.js';
import { StateRoot } from '../../../src/container/state/state-root.js';
import { listSummaries } from '../../../src/container/state/summary.js';

const scratch = mkdtempSync(join(tmpdir(), 'tsrun-state-'));
test.after.always(() => {
  rmSync(scratch, { recursive: true, force: true });
});
const root = new StateRoot(join(scratch, 'root'));
root.make();

async function listen(path: string): Promise<void> {
  await once(createServer().listen(path).unref(), 'listening');
}

/** Each makes what no launcher would have written. */
const intruders: readonly (readonly [what: string, make: (path: string) => unknown])[] = [
  ['a folder', mkdirSync],
  ['a FIFO, which nobody writes to', (path) => execFileSync('mkfifo', [path])],
  ['a socket', listen],
  ['a link', (path) => { symlinkSync('/proc/self/status', path); }],
  ['a link to nothing', (path) => { symlinkSync('nowhere', path); }],
  ['600 MB of nothing', (path) => { writeFileSync(path, ''); truncateSync(path, 600_000_000); }],
];

const record = JSON.stringify({
  version: 1, id: 'whole', image: 'i', createdAtMs: 0, bootId: '', launcher: '1', cgroup: '', rootPath: '/', stopSignal: 15, stopTimeoutMs: 0, labels: {}, defaultSeccomp: false,
  spec: { ociVersion: '1.0.2', root: { path: '/' }, process: { user: { uid: 0, gid: 0 }, args: ['true'], cwd: '/' }, linux: { namespaces: [{ type: 'mount' }] } }, extensions: {},
});

function container(id: string, files: Readonly<Record<string, string>>): string {
  const path = root.containerPath(id);
  mkdirSync(path);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}

test.serial('what is no regular file, or too large, is a damaged record of one container', async (t) => {
  container('whole', { 'state.json': record, pid: '42' });
  t.like(root.read('whole'), { id: 'whole' });
  t.deepEqual([root.readPid('whole'), root.readExit('whole')], [42, undefined]);
  for (const [what, make] of intruders) {
    const path = container('x', {});
    await make(join(path, 'state.json'));
    t.throws(() => root.read('x'), { code: 'ERR_TSRUN_STATE', message: "the record of the container 'x' is damaged" } as object, what);
    t.deepEqual([isUnreadable(root, 'x'), readWhole(root, 'x')], [true, undefined], what);
    t.deepEqual(listSummaries(root).map(({ id }) => id), ['whole'], what);
    root.removeContainer({ id: 'x', launcher: 'lost' });
    t.deepEqual(root.ids(), ['whole'], what);
  }
});

test.serial('so it is where the first process or the end should stand', async (t) => {
  for (const [what, make] of [...intruders, ['no number', (path: string) => { writeFileSync(path, '12x'); }] as const]) {
    for (const name of what === 'no number' ? ['pid'] : ['pid', 'exit']) {
      const path = container('x', { 'state.json': record });
      await make(join(path, name));
      t.throws(() => (name === 'pid' ? root.readPid('x') : root.readExit('x')), { code: 'ERR_TSRUN_STATE' } as object, what);
      t.true(isUnreadable(root, 'x'), what);
      t.false(listSummaries(root).some(({ id }) => id === 'x'), what);
      root.removeContainer({ id: 'x', launcher: 'lost' });
    }
  }
});
