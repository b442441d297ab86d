import { posix } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import type { ReadInner } from '../../../src/container/failures/inner-files.js';
import { findMissingLibrary, type MissingLibrary } from '../../../src/container/failures/missing-library.js';
import { elfBytes, ldCacheBytes } from '../../support/elf-bytes.js';

type Files = Readonly<Record<string, Buffer>>;

const glibc = '/lib64/ld-linux-x86-64.so.2';
const musl = '/lib/ld-musl-x86_64.so.1';
const app = (needed: readonly string[], more: object = {}) => elfBytes({ interpreter: glibc, needed, ...more });
const lib = (needed: readonly string[] = [], more: object = {}) => elfBytes({ needed, ...more });

function reader(files: Files, realPaths: Readonly<Record<string, string>> = {}): ReadInner {
  return (path, limitBytes) => {
    const realPath = realPaths[path] ?? path;
    const bytes = files[realPath];
    return bytes === undefined ? null : { path, realPath, bytes: bytes.subarray(0, limitBytes) };
  };
}

async function ask(files: Files, { args = ['/bin/app'], env = [], realPaths = {} }: { args?: string[]; env?: string[]; realPaths?: Readonly<Record<string, string>> } = {}): Promise<MissingLibrary | undefined> {
  return findMissingLibrary({ user: { uid: 0, gid: 0 }, args, env, cwd: '/work' }, reader(files, realPaths));
}

test('a library that is nowhere, with who needs it', async (t) => {
  t.deepEqual(await ask({ '/bin/app': app(['libfoo.so.1']) }), { program: '/bin/app', library: 'libfoo.so.1', neededBy: '/bin/app', liesIn: undefined });
  const deep = { '/bin/app': app(['liba.so']), '/usr/lib/x86_64-linux-gnu/liba.so': lib(['libb.so']) };
  t.like(await ask(deep), { library: 'libb.so', neededBy: '/usr/lib/x86_64-linux-gnu/liba.so' });
  t.is(await ask({ ...deep, '/usr/lib64/libb.so': lib(['liba.so']) }), undefined);
});

test('breadth first: what is there already need not be found again', async (t) => {
  const files = {
    '/bin/app': app(['liba.so', 'libb.so'], { runpath: '/own' }),
    '/lib/liba.so': lib(['libb.so', 'libreal.so.1']),
    '/own/libb.so': lib([], { soname: 'libreal.so.1' }),
  };
  t.is(await ask(files), undefined);
  t.like(await ask({ ...files, '/own/libb.so': lib() }), { library: 'libreal.so.1', neededBy: '/lib/liba.so' });
});

const places: readonly [title: string, files: Files, env: string[]][] = [
  ['LD_LIBRARY_PATH', { '/l/libx.so': lib() }, ['LD_LIBRARY_PATH=/k:/l']],
  ['the working directory, which an empty entry means', { '/work/libx.so': lib() }, ['LD_LIBRARY_PATH=']],
  ['a folder of the processor', { '/lib64/glibc-hwcaps/x86-64-v3/libx.so': lib() }, []],
  ['the folder of the loader', { '/nix/glibc/lib/libx.so': lib(), '/bin/app': elfBytes({ interpreter: '/nix/glibc/lib/ld-linux-x86-64.so.2', needed: ['libx.so'] }) }, []],
  ['the cache', { '/opt/libx-9.so': lib(), '/etc/ld.so.cache': ldCacheBytes({ 'libx.so': '/opt/libx-9.so' }) }, []],
  ['runpath', { '/app/lib/libx.so': lib(), '/bin/app': app(['libx.so'], { runpath: '/a:/app/lib' }) }, []],
  ['$ORIGIN', { '/bin/lib/libx.so': lib(), '/bin/app': app(['libx.so'], { runpath: '${ORIGIN}/lib' }) }, []],
];

for (const [title, files, env] of places) {
  test(`it is found in ${title}`, async (t) => {
    const all = { '/bin/app': app(['libx.so']), ...files };
    t.is(await ask(all, { env }), undefined);
    const without = Object.fromEntries(Object.entries(all).filter(([path]) => !posix.basename(path).startsWith('libx')));
    t.like(await ask(without, { env }), { library: 'libx.so' }, 'control');
  });
}

test('$ORIGIN is where the program lies without links', async (t) => {
  const files = { '/opt/app/bin/app': app(['libx.so'], { runpath: '$ORIGIN/../lib' }), '/opt/app/lib/libx.so': lib() };
  t.is(await ask(files, { realPaths: { '/bin/app': '/opt/app/bin/app' } }), undefined);
  t.like(await ask({ '/bin/app': files['/opt/app/bin/app'], '/opt/app/lib/libx.so': lib() }), { library: 'libx.so' });
});

test('DT_RPATH goes on to the libraries of libraries, DT_RUNPATH does not', async (t) => {
  const files = (more: object) => ({ '/bin/app': app(['liba.so'], more), '/o/liba.so': lib(['libb.so']), '/o/libb.so': lib() });
  t.is(await ask(files({ rpath: '/o' })), undefined);
  t.like(await ask(files({ runpath: '/o' })), { library: 'libb.so', neededBy: '/o/liba.so' });
  t.is(await ask(files({ runpath: '/o', interpreter: musl })), undefined, 'in musl both do');
});

test('musl: its own names, its own list of folders', async (t) => {
  const program = elfBytes({ interpreter: musl, needed: ['libc.musl-x86_64.so.1', 'libx.so'] });
  t.like(await ask({ '/bin/app': program }), { library: 'libx.so', liesIn: undefined });
  t.is(await ask({ '/bin/app': program, '/usr/local/lib/libx.so': lib() }), undefined);
  t.is(await ask({ '/bin/app': program, '/m/libx.so': lib(), '/etc/ld-musl-x86_64.path': Buffer.from('/k\n/m\n') }), undefined);
  const standsIn = { '/bin/app': app(['libc.so.6']), [musl]: lib() };
  t.is(await ask(standsIn), undefined, 'gcompat');
});

test('one that lies where only ldconfig would have made it known', async (t) => {
  t.like(await ask({ '/bin/app': app(['libx.so']), '/usr/local/lib/libx.so': lib() }), { library: 'libx.so', liesIn: '/usr/local/lib' });
});

test('one for another machine is passed over', async (t) => {
  const files = { '/bin/app': app(['libx.so']), '/lib/libx.so': lib([], { machine: 183 }) };
  t.like(await ask(files), { library: 'libx.so' });
  t.is(await ask({ ...files, '/usr/lib/libx.so': lib() }), undefined);
});

test('scripts: the interpreter, and what env starts', async (t) => {
  const python = app(['libpython.so']);
  const script = (line: string) => ({ '/bin/app': Buffer.from(`${line}\nprint()\n`), '/usr/bin/python': python, '/bin/env': app([]) });
  for (const line of ['#!/usr/bin/python', '#! /usr/bin/python -u', '#!/bin/env python']) t.like(await ask(script(line)), { program: '/usr/bin/python' }, line);
  t.is(await ask(script('#!/bin/env -S python')), undefined);
  t.is(await ask(script('#!/bin/app')), undefined, 'a circle');
  t.like(await ask(script('#!/usr/bin/python'), { args: ['app'], env: ['PATH=/x:/bin'] }), { library: 'libpython.so' });
});

test('nothing is claimed where it is not certain', async (t) => {
  const large = Buffer.concat([lib().subarray(0, 64), Buffer.alloc(64)]);
  const rows: readonly [string, Files][] = [
    ['no program', {}],
    ['a static program', { '/bin/app': elfBytes({ needed: ['libx.so'] }) }],
    ['an unknown loader', { '/bin/app': elfBytes({ interpreter: '/system/bin/linker64', needed: ['libx.so'] }) }],
    ['what the loader was built with', { '/bin/app': app(['libx.so'], { runpath: '/x/$LIB' }) }],
    ['a library that cannot be read whole', { '/bin/app': app(['liba.so', 'libb.so']), '/lib/liba.so': large, '/lib/libb.so': lib(['libx.so']) }],
    ['too many folders', { '/bin/app': app(['libx.so'], { runpath: '/x:'.repeat(200) }) }],
    ['the loader itself', { '/bin/app': app(['ld-linux-x86-64.so.2', 'linux-vdso.so.1']) }],
    ['too many libraries', { '/bin/app': app(['lib0.so']), ...Object.fromEntries(Array.from({ length: 120 }, (_, n) => [`/lib/lib${n}.so`, lib([`lib${n + 1}.so`])])) }],
  ];
  for (const [title, files] of rows) t.is(await ask(files), undefined, title);
});

test('a file that cannot be read ends the search, without an error', async (t) => {
  const read = reader({ '/bin/app': app(['libx.so']) });
  const process = { user: { uid: 0, gid: 0 }, args: ['/bin/app'], cwd: '/' };
  t.like(await findMissingLibrary(process, read), { library: 'libx.so' });
  const refuses: ReadInner = (path, limit) => {
    if (path === '/usr/lib/libx.so') throw new Error('EACCES');
    return read(path, limit);
  };
  t.is(await findMissingLibrary(process, refuses), undefined);
});

test('an image that never says no has an end', async (t) => {
  const folders = Array.from({ length: 90 }, (_, n) => `/r${n}`).join(':');
  let lookups = 0;
  const read: ReadInner = (path) => {
    lookups++;
    if (path === '/bin/app') return { path, realPath: path, bytes: app(['lib0.so'], { rpath: folders }) };
    const number = /^\/usr\/lib64\/lib(\d+)\.so$/.exec(path)?.[1];
    return number === undefined ? null : { path, realPath: path, bytes: lib([`lib${Number(number) + 1}.so`], { rpath: folders.replaceAll('/r', `/r${number}-`) }) };
  };
  t.is(await findMissingLibrary({ user: { uid: 0, gid: 0 }, args: ['/bin/app'], cwd: '/' }, read), undefined);
  t.true(lookups > 19_000 && lookups <= 20_000, String(lookups));
});

test('whatever the files hold, nothing is thrown', async (t) => {
  const whole = app(['liba.so', 'libb.so'], { runpath: '$ORIGIN:/o' });
  const changed = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 6 }).map((each) => {
    const bytes = Buffer.from(whole);
    for (const [at, value] of each) bytes[at] = value;
    return bytes;
  });
  await fc.assert(
    fc.asyncProperty(changed, changed, fc.uint8Array({ maxLength: 200 }), async (program, library, cache) => {
      const files = { '/bin/app': program, '/lib/liba.so': library, '/etc/ld.so.cache': Buffer.concat([ldCacheBytes({}), cache]) };
      const missing = await ask(files);
      return missing === undefined || missing.program === '/bin/app';
    }),
    { numRuns: 500 },
  );
  t.pass();
});
