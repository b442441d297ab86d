/** What a hostile container tries where files are copied out of it and into it. */
import { existsSync, lstatSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { CopyLab } from '../support/copy-lab.js';
import { failure } from '../support/failure.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { readNames, readTree } from '../support/trees.js';

const lab = new Lab();
const copies = new CopyLab(lab);
const test = needs('root', 'userns', 'overlay', 'command:getfattr');

test('a hostile container leads no copy out of it, and none on the host', async (t) => {
  const outside = copies.hostFolder('echo secret >secret; mkdir victim; echo mine >victim/file');
  const container = await lab.idle();
  await copies.inner(container, `mkdir -p /h/sub; cd /h; ln -s ${outside}/secret secret; ln -s ${outside} all; ln -s ../../../../../../..${outside} up; ln -s /proc/self/root proc; ln -s /proc/1/root one; echo ok >sub/f`);
  // Reads of the host.
  for (const [path, options] of [['/h/secret', { followLink: true }], ['/h/all/secret', {}], ['/h/up/secret', {}], ['/h/all/.', {}], [`/h/proc${outside}/secret`, {}], [`/h/one${outside}/secret`, {}], [`/h/../../../..${outside}/secret`, {}]] as const) {
    t.regex(await failure(copies.copyOut(container, path, copies.hostFolder(), options)), /^ERR_TSRUN_COPY/, path);
  }
  const out = copies.hostFolder();
  await copies.copyOut(container, '/h', out);
  t.true(lstatSync(join(out, 'h/secret')).isSymbolicLink(), 'as links they come out');
  t.is(readFileSync(join(out, 'h/secret'), 'utf8'), 'secret\n', 'control: whoever follows it is on the host');
  // Writes through what an earlier copy has put there.
  await copies.inner(container, 'rm -r /h; mkdir -p /h/all /h/up/victim; echo evil >/h/all/secret; echo evil >/h/up/victim/file; echo evil >/h/secret');
  t.regex(await failure(copies.copyOut(container, '/h/.', join(out, 'h'))), /^ERR_TSRUN_COPY: entry '(?:all|up).*' of the copy: /);
  await copies.copyOut(container, '/h/secret', join(out, 'h'));
  t.false(lstatSync(join(out, 'h/secret')).isSymbolicLink(), 'the link is replaced');
  symlinkSync(join(outside, 'secret'), join(out, 'direct'));
  await copies.copyOut(container, '/h/secret', join(out, 'direct'));
  symlinkSync(join(outside, 'new'), join(out, 'dangling'));
  await copies.copyOut(container, '/h/secret', join(out, 'dangling'));
  t.deepEqual(Object.entries(readTree(outside, { times: false })).map(([name, { size }]) => [name, size ?? 0]), [['.', 0], ['secret', 7], ['victim', 0], ['victim/file', 5]]);
  t.is(readFileSync(join(outside, 'secret'), 'utf8'), 'secret\n');
  // Writes into the container where its links would lead on the host.
  await copies.inner(container, `rm -rf /h; mkdir -p /h${outside}; ln -s ${outside} /h/all; ln -s /..${outside}/planted /h/file; mkdir -p ${outside}`);
  const source = copies.hostFolder('echo copied >planted');
  await copies.copyIn(container, `${source}/planted`, '/h/all');
  await copies.copyIn(container, `${source}/planted`, '/h/file');
  t.is(await copies.inner(container, `cat ${outside}/planted`), 'copied\n', 'it lies in the container');
  t.false(existsSync(join(outside, 'planted')));
  spawnSync('sh', ['-c', `cp ${source}/planted ${out}/h/all/ 2>/dev/null; ls ${outside}`]);
  await container[Symbol.asyncDispose]();
});

test('a container that changes its tree all the time leads nothing out of it', async (t) => {
  const outside = copies.hostFolder('echo secret >f; mkdir d');
  const container = await lab.start({ command: ['sh', '-c', `mkdir -p /r/d ${outside}/d; cd /r; while :; do rm -rf d; ln -s ${outside} d; rm d; mkdir d; echo inner >d/f; done`], stdout: 'ignore', stderr: 'ignore' });
  const source = copies.hostFolder('mkdir s; echo copied >s/f; echo copied >s/planted');
  let copied = 0;
  for (let round = 0; round < 60; round++) {
    const out = copies.hostFolder();
    if (!(await failure(copies.copyIn(container, `${source}/s/.`, '/r/d'))).startsWith('ERR')) copied++;
    await failure(copies.copyOut(container, '/r/d/f', out, { followLink: true }));
    await failure(copies.copyOut(container, '/r', out));
    t.false(spawnSync('grep', ['-rs', 'secret', out]).status === 0);
    rmSync(out, { recursive: true });
  }
  t.log(`${copied} of 60 were copied in`);
  t.deepEqual(readNames(outside), ['d/', 'f']);
  t.is(readFileSync(join(outside, 'f'), 'utf8'), 'secret\n');
  await container[Symbol.asyncDispose]();
});



lab.declareLeakTest();
