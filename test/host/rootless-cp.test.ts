/** Copies of an ordinary user, into and out of its containers: with its own rights, and its subordinate ids. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { readTree } from '../support/trees.js';
import { UserLab, userNeeds } from '../support/user-lab.js';

const lab = new Lab();
const users = new UserLab(lab);
const { user, ask } = users;
const here = needs(...userNeeds, 'command:getfattr');

function prepare(script: string): void {
  execFileSync('sh', ['-ec', `${script}; chown -R ${user().uid}:${user().gid} .`], { cwd: user().home });
}

for (const state of ['live', 'ended'] as const) {
  here(`${state}: what is copied in is root's there, and what is copied out the user's; with --archive owners stay`, async (t) => {
    const { home } = user();
    const secret = join(home, `secret-${state}`);
    prepare(`mkdir -p ${state}/s/d; echo text >${state}/s/d/f`);
    // Root's, in a folder of the user's.
    writeFileSync(secret, '', { mode: 0o600 });
    const script = 'rm -rf /made /s; mkdir /made; echo made >/made/file; busybox chown 7:8 /made/file; busybox chmod 4755 /made/file';
    const replies = await ask({
      do: 'copy', options: { command: ['sh', '-c', state === 'live' ? `${script}; sleep 1000` : script], autoRemove: false, ...(state === 'ended' && { root: 'writable' }) }, state,
      copies: [['in', `${state}/s`, '/s'], ['out', '/s', `${state}/back`], ['out', '/made', `${state}/made`], ['archive', '/made', `${state}/kept`], ['out', '/made/none', `${state}/none`], ['in', secret, '/shadow'], ['out', '/made/file', '/etc/planted']],
    });
    t.deepEqual(replies.map(({ error }) => error), [undefined]);
    const [said = ''] = replies.map(({ said: text }) => text);
    const lines = said.split('\n');
    t.deepEqual(lines.slice(0, 4), ['3 5', '3 5', '2 5', '2 5']);
    t.regex(lines[4] ?? '', /^ERR_TSRUN_COPY: there is no '\/made\/none'/);
    t.regex(lines[5] ?? '', /^ERR_TSRUN_COPY: .*EACCES/);
    t.regex(lines[6] ?? '', /^ERR_TSRUN_COPY: .*E(?:ACCES|PERM|ROFS)/);
    t.false(existsSync('/etc/planted'));
    t.is(readFileSync(join(home, state, 'back/d/f'), 'utf8'), 'text\n');
    t.is(statSync(join(home, state, 'back/d/f')).uid, user().uid);
    t.like(readTree(join(home, state, 'made')), { file: { owner: `${user().uid}:${user().gid}`, mode: '755' } });
    t.like(readTree(join(home, state, 'kept')), { file: { owner: `${user().outerUid(7)}:${user().outerGid(8)}`, mode: '4755' } });
  });
}

users.declareLeakTests();
