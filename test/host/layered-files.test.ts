// Reading through layers without a mount, against what overlayfs shows of the same layers: trees and paths by chance.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { loadNative } from '../../src/engine/addon.js';
import { opaqueFolders } from '../../src/container/image-files.js';
import { readInLayers } from '../../src/image/layered-files.js';
import { TsrunError, explainExit } from '../../src/index.js';
import { makeImage } from '../support/images.js';
import { Lab } from '../support/lab.js';
import { makeLayers, nameLayers } from '../support/layered-images.js';
import { needs } from '../support/needs.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');

type Entry = { readonly path: string } & ({ readonly kind: 'file' | 'whiteout' | 'folder' | 'opaque' } | { readonly kind: 'link'; readonly target: string });

const name = fc.constantFrom('a', 'b', 'c');
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
const step = fc.constantFrom('a', 'b', 'c', '..', '.');
const lookup = fc.array(step, { minLength: 1, maxLength: 6 }).map((steps) => steps.join('/'));
const entry: fc.Arbitrary<Entry> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ path, kind: fc.constant('file' as const) }) },
  fc.record({ path, kind: fc.constantFrom('whiteout', 'folder', 'opaque') }),
  fc.record({ path, kind: fc.constant('link' as const), target: fc.oneof(lookup, lookup.map((to) => `/${to}`)) }),
);
const layer = fc.array(entry, { maxLength: 8 });

function run(tool: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(tool, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${tool}: ${stderr}`);
}

/** What does not fit the entries before it is left out. */
function write(folder: string, entries: readonly Entry[]): void {
  for (const [index, each] of entries.entries()) {
    const at = join(folder, each.path);
    try {
      mkdirSync(dirname(at), { recursive: true });
      if (each.kind === 'file') writeFileSync(at, `${folder} ${index}`, { flag: 'wx' });
      if (each.kind === 'link') symlinkSync(each.target, at);
      if (each.kind === 'folder' || each.kind === 'opaque') mkdirSync(at, { recursive: true });
    } catch {
      continue;
    }
    if (each.kind === 'whiteout') spawnSync('mknod', [at, 'c', '0', '0']);
    if (each.kind === 'opaque') run('setfattr', ['-n', 'trusted.overlay.opaque', '-v', 'y', at]);
  }
}

/** Content, `null` for what is missing, the errno for what cannot be read. */
function answer(read: () => Buffer | null): string | number | null {
  try {
    return read()?.toString() ?? null;
  } catch (error) {
    return error instanceof Error && 'errno' in error ? Number(error.errno) : String(error);
  }
}

here('what is read is what overlayfs shows', (t) => {
  const { addon } = loadNative();
  const merged = join(lab.scratch, 'merged');
  mkdirSync(merged);
  fc.assert(
    fc.property(fc.array(layer, { minLength: 2, maxLength: 4 }), fc.array(lookup, { minLength: 10, maxLength: 40 }), (contents, lookups) => {
      const layers = makeLayers(lab.scratch, contents.length);
      for (const [index, entries] of contents.entries()) write(layers[index] ?? '', entries);
      const relative = layers.map((each) => each.slice(dirname(dirname(each)).length + 1));
      const mounted = spawnSync('mount', ['-t', 'overlay', '-o', `lowerdir=${relative.join(':')}`, 'overlay', merged], { cwd: dirname(dirname(layers[0] ?? '')), encoding: 'utf8' });
      t.is(mounted.status, 0, mounted.stderr);
      try {
        const isOpaque = opaqueFolders(addon, { uid: 0 });
        for (const each of [...lookups, ...everyPath(merged)]) {
          t.is(answer(() => readInLayers(layers, each, 1000, isOpaque)), answer(() => addon.readInRoot(merged, each, 1000)), each);
        }
      } finally {
        run('umount', [merged]);
      }
    }),
    { numRuns: process.env['TSRUN_LANE'] === undefined ? 60 : 8 },
  );
});

/** Not Node's own recursion, which goes through links. */
function everyPath(folder: string, below = ''): string[] {
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry) => {
    const path = join(below, entry.name);
    return entry.isDirectory() ? [path, ...everyPath(folder, path)] : [path];
  });
}

here('users, a missing program and a missing interpreter are looked for in all layers', async (t) => {
  const base = makeImage(lab, { files: { 'etc/passwd': 'root:x:0:0::/:/bin/sh\nold:x:5:5::/:\n', 'bin/script': '#!/bin/none\n' }, mode: 0o755 });
  const [top = ''] = makeLayers(lab.scratch, 1);
  mkdirSync(join(top, 'etc'));
  writeFileSync(join(top, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\nweb:x:7:7::/:\n');
  const image = nameLayers('accounts', [top, base]);
  t.is((await lab.sh('id -u', { user: 'web' }, image)).stdout, '7\n');
  t.like(await t.throwsAsync(lab.sh('id -u', { user: 'old' }, image), { instanceOf: TsrunError }), { code: 'ERR_TSRUN_USER_NOT_FOUND' });
  const script = await t.throwsAsync(lab.run({ command: ['/bin/script'] }, image), { instanceOf: TsrunError });
  t.regex(script.message, /a script for '\/bin\/none', which is not in the image/);
  const program = await t.throwsAsync(lab.run({ command: ['none'] }, image), { instanceOf: TsrunError });
  t.is(program.code, 'ERR_TSRUN_COMMAND_NOT_FOUND');
  const container = await lab.start({ command: ['sh', '-c', 'exit 127'] }, image);
  t.is(await explainExit(container), undefined);
});

here('reading costs no more than it must', (t) => {
  const layers = makeLayers(lab.scratch, 60);
  for (const each of layers.slice(-20)) mkdirSync(join(each, 'etc'));
  writeFileSync(join(layers.at(-1) ?? '', 'etc/passwd'), 'x');
  let calls = 0;
  const isOpaque = () => {
    calls++;
    return false;
  };
  t.is(readInLayers(layers, '/etc/passwd', 10, isOpaque)?.toString(), 'x');
  t.is(calls, 20, 'one for each folder of that name');
});

lab.declareLeakTest();
