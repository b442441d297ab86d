/**
 * A host on which nobody, or nobody but root, may make user namespaces: what is refused, in which words, and what works all the same. Only
 * in a guest, since the switches are the whole host's.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Lab } from '../support/lab.js';
import { inLongForm, needs } from '../support/needs.js';
import { UserLab, userNeeds } from '../support/user-lab.js';

const lab = new Lab();
const users = new UserLab(lab);
const main = join(resolve(import.meta.dirname, '../../..'), 'dist/bundle/cli/main.cjs');
const most = '/proc/sys/user/max_user_namespaces';
/** Debian's own. */
const unprivileged = '/proc/sys/kernel/unprivileged_userns_clone';

function tsrun(...words: readonly string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  return spawnSync(process.execPath, [main, ...words], { encoding: 'utf8', env: { ...process.env, TSRUN_ROOT: lab.stateRoot } });
}

async function withZero(file: string, body: () => void | Promise<void>): Promise<void> {
  const before = readFileSync(file, 'utf8');
  writeFileSync(file, '0');
  try {
    await body();
  } finally {
    writeFileSync(file, before);
  }
}

needs('root', 'lane:vm', `file:${most}`)('where nobody may make any, root is told so, and can do without', async (t) => {
  const run = (...flags: readonly string[]) => tsrun('run', '--rm', ...flags, lab.image, 'id', '-u');
  await withZero(most, () => {
    t.like(run(), { status: 125, stderr: 'tsrun: user namespaces are not to be had here\nhint: tsrun doctor says who blocks them; --userns host does without\n' });
    t.like(run('--userns', 'host'), { status: 0, stdout: '0\n' });
    const { status, stdout } = tsrun('doctor');
    t.is(status, 1);
    t.regex(stdout, /^no +user namespaces +the sysctl user\.max_user_namespaces is 0\n +costs .*\n +remedy sysctl -w user\.max_user_namespaces=65536$/m);
    t.regex(stdout, /\na default run fails here because of: user namespaces\n$/);
  });
  t.like(run(), { status: 0, stdout: '0\n' }, 'control');
});

inLongForm(...userNeeds, 'lane:vm', `file:${unprivileged}`)('where only root may make them, an ordinary user is told so', async (t) => {
  const order = { do: 'run', options: { command: ['id', '-u'] } } as const;
  await withZero(unprivileged, async () => {
    const [{ error } = {}] = await users.ask(order);
    t.like(error, { code: 'ERR_TSRUN_HOST', hint: 'tsrun doctor says who forbids them' });
    t.regex(error?.message ?? '', /may not make user namespaces$/);
    t.is((await lab.run({ command: ['id', '-u'] })).stdout, '0\n', 'root may');
  });
  t.deepEqual(await users.said(order), ['0\n'], 'control');
});

users.declareLeakTests();
