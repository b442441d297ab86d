/** Docker's table of what goes where, on real files, both ways. */
import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { CopyOptions } from '../../src/index.js';
import { CopyLab, given } from '../support/copy-lab.js';
import { failure } from '../support/failure.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { readNames } from '../support/trees.js';

const lab = new Lab();
const copies = new CopyLab(lab);
const test = needs('root', 'userns', 'overlay');

interface Row {
  readonly source: string;
  readonly destination: string;
  /** What is there then, below the folder of the destination, beside what was; or the refusal. */
  readonly gives: readonly string[] | RegExp;
  readonly options?: CopyOptions;
}

/** Docker's page of `docker cp`, row by row; the destination starts as `target/`, `file` and `link` (to `target`) in an empty folder. */
const rows: readonly Row[] = [
  { source: 'file', destination: 'new', gives: ['new'] },
  { source: 'file', destination: 'new/', gives: /^ERR_TSRUN_COPY: there is no folder '.*new' to copy into$/ },
  { source: 'file', destination: 'none/new', gives: /^ERR_TSRUN_COPY: there is no folder '.*none' to copy into$/ },
  { source: 'file', destination: 'file', gives: [] },
  { source: 'file', destination: 'file/', gives: /^ERR_TSRUN_COPY: '.*file\/?' is no folder$|^ERR_TSRUN_COPY: there is no folder '.*file\/?' to copy into$/ },
  { source: 'file', destination: 'file/x', gives: /^ERR_TSRUN_COPY: there is no folder '.*file' to copy into$/ },
  { source: 'file', destination: 'target', gives: ['target/file'] },
  { source: 'file', destination: 'target/', gives: ['target/file'] },
  { source: 'file', destination: 'link', gives: ['target/file'] },
  { source: 'file', destination: '.', gives: [] },
  { source: 'file/', destination: 'new', gives: /^ERR_TSRUN_COPY: / },
  { source: 'file/.', destination: 'new', gives: /^ERR_TSRUN_COPY: / },
  { source: 'none', destination: 'new', gives: /^ERR_TSRUN_COPY: there is no '.*none'/ },
  { source: 'folder', destination: 'new', gives: ['new/', 'new/deep/', 'new/deep/f'] },
  { source: 'folder', destination: 'new/', gives: ['new/', 'new/deep/', 'new/deep/f'] },
  { source: 'folder/', destination: 'new', gives: ['new/', 'new/deep/', 'new/deep/f'] },
  { source: 'folder/.', destination: 'new', gives: ['new/', 'new/deep/', 'new/deep/f'] },
  { source: 'folder', destination: 'none/new', gives: /^ERR_TSRUN_COPY: there is no folder '.*none' to copy into$/ },
  { source: 'folder', destination: 'file', gives: /^ERR_TSRUN_COPY: a folder cannot be copied over '.*file', which is none$/ },
  { source: 'folder/.', destination: 'file', gives: /^ERR_TSRUN_COPY: a folder cannot be copied over/ },
  { source: 'folder', destination: 'target', gives: ['target/folder/', 'target/folder/deep/', 'target/folder/deep/f'] },
  { source: 'folder/', destination: 'target', gives: ['target/folder/', 'target/folder/deep/', 'target/folder/deep/f'] },
  { source: 'folder/.', destination: 'target', gives: ['target/deep/', 'target/deep/f'] },
  { source: 'folder/../folder/./', destination: 'link/', gives: ['target/folder/', 'target/folder/deep/', 'target/folder/deep/f'] },
  { source: 'link', destination: 'new', gives: ['new'] },
  { source: 'link', destination: 'new', options: { followLink: true }, gives: ['new/', 'new/deep/', 'new/deep/f'] },
  { source: 'link/.', destination: 'target', gives: ['target/deep/', 'target/deep/f'] },
  { source: 'link/', destination: 'target', gives: ['target/link/', 'target/link/deep/', 'target/link/deep/f'] },
  { source: 'flink', destination: 'target', options: { followLink: true }, gives: ['target/flink'] },
  { source: 'dangling', destination: 'target', gives: ['target/dangling'] },
  { source: 'dangling', destination: 'target', options: { followLink: true }, gives: /^ERR_TSRUN_COPY: '.*dangling'.* is a link that leads nowhere: 'nowhere'/ },
];

const start = ['file', 'link', 'target/'];
const prepare = 'mkdir target; echo old >file; ln -s target link';

test('docker\'s table, into a container', async (t) => {
  const container = await lab.idle();
  const source = copies.hostFolder(given);
  for (const { source: name, destination, gives, options = {} } of rows) {
    await copies.inner(container, `rm -rf /to; mkdir /to; cd /to; ${prepare}`);
    const said = await failure(copies.copyIn(container, `${source}/${name}`, `/to/${destination}`, options));
    const found = (await copies.inner(container, 'cd /to; busybox find . -mindepth 1 -type d -exec echo {}/ ";" -o -mindepth 1 -print')).trim().split('\n').map((line) => line.slice(2)).sort();
    const title = `${name} to ${destination}: ${said}`;
    if (gives instanceof RegExp) t.regex(said, gives, title);
    t.deepEqual(found, [...start, ...(gives instanceof RegExp ? [] : gives)].sort(), title);
    if (destination === 'file' && !(gives instanceof RegExp)) t.is(await copies.inner(container, 'cat /to/file'), 'file\n');
  }
  await container[Symbol.asyncDispose]();
});

test('docker\'s table, out of a container', async (t) => {
  const container = await lab.idle();
  await copies.inner(container, `mkdir /from; cd /from; ${given}`);
  for (const { source, destination, gives, options = {} } of rows) {
    const folder = copies.hostFolder(prepare);
    const said = await failure(copies.copyOut(container, `/from/${source}`, `${folder}/${destination}`, options));
    const title = `${source} to ${destination}: ${said}`;
    if (gives instanceof RegExp) t.regex(said, gives, title);
    t.deepEqual(readNames(folder), [...start, ...(gives instanceof RegExp ? [] : gives)].sort(), title);
    if (source === 'link' && options.followLink !== true) t.is(readlinkSync(join(folder, 'new')), 'folder', 'a link stays one');
  }
  await container[Symbol.asyncDispose]();
});



lab.declareLeakTest();
