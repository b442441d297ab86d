import { open } from 'node:fs/promises';
import test from 'ava';
import fc from 'fast-check';
import { openTarTree } from '../../../src/image/sources/tar-tree.js';
import { walkTar, type TarEntry } from '../../../src/image/sources/tar-walk.js';
import { TsrunError } from '../../../src/spec/errors.js';
import { newFile, tarOf, type TarPart } from './lab.js';

async function walk(bytes: Buffer): Promise<TarEntry[]> {
  const handle = await open(newFile(bytes));
  try {
    const entries: TarEntry[] = [];
    for await (const entry of walkTar(handle, "'x.tar'")) entries.push(entry);
    return entries;
  } finally {
    await handle.close();
  }
}

/** Puts the checksum of the header at `at` right again. */
function seal(bytes: Buffer, at = 0): Buffer {
  bytes.fill(' ', at + 148, at + 156);
  const sum = bytes.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148);
  return bytes;
}

function withSize(field: Buffer): Buffer {
  const bytes = tarOf([{ path: 'a', content: 'abc' }]);
  field.copy(bytes, 124);
  return seal(bytes);
}

const pax = (...records: readonly string[]): TarPart => ({
  path: 'PaxHeader/x', type: 'ExtendedHeader',
  content: records.map((record) => { for (let length = record.length + 3; ; length++) if (`${length} ${record}\n`.length === length) return `${length} ${record}\n`; }).join(''),
});

test('extended headers of both kinds, in any order, speak of the next file alone', async (t) => {
  const long = 'l'.repeat(200);
  const gnu: TarPart = { path: '././@LongLink', type: 'NextFileHasLongPath', content: `${long}\0` };
  const gnuLink: TarPart = { path: '././@LongLink', type: 'NextFileHasLongLinkpath', content: 'target\0' };
  const file: TarPart = { path: 'short', content: 'abc' };
  const rows: [parts: TarPart[], paths: string[]][] = [
    [[gnu, file, file], [long, 'short']], [[pax('path=of pax'), file, file], ['of pax', 'short']],
    [[gnu, pax('path=of pax'), file], ['of pax']], [[pax('path=of pax'), gnu, file], ['of pax']],
    [[{ path: 'g', type: 'GlobalExtendedHeader', content: '15 path=global\n' }, file], ['short']],
    [[{ ...file, path: `${'d/'.repeat(70)}x` }], [`${'d/'.repeat(70)}x`]],
  ];
  for (const [parts, paths] of rows) t.deepEqual((await walk(tarOf(parts))).map(({ path }) => path), paths);
  const [link] = await walk(tarOf([gnuLink, { path: 'l', type: 'SymbolicLink', linkpath: 'cut' }]));
  t.is(link?.target, 'target');
  const [paxLink] = await walk(tarOf([pax('linkpath=of pax', 'mtime=1700000000.9'), { path: 'l', type: 'SymbolicLink', linkpath: 'cut' }]));
  t.like(paxLink, { target: 'of pax', mtimeSeconds: 1_700_000_000 });
});

test('a name with a NUL is refused, where readers would not agree upon it', async (t) => {
  for (const record of ['path=a\0b', 'linkpath=a\0b']) await t.throwsAsync(walk(tarOf([pax(record), { path: 'x' }])), { code: 'ERR_TSRUN_IMAGE', message: /a name that holds a NUL/ });
  t.is((await walk(tarOf([pax('comment=a\0b'), { path: 'x' }]))).length, 1);
});

test("a pax header's size is where the next header stands, but not that of another extended header", async (t) => {
  const hidden = tarOf([{ path: 'hidden', content: 'x' }], Buffer.alloc(0));
  const file: TarPart = { path: 'a', content: hidden };
  t.deepEqual((await walk(tarOf([pax(`size=${hidden.length}`), { ...file, size: 0 }, { path: 'b' }]))).map(({ path }) => path), ['a', 'b']);
  t.deepEqual((await walk(tarOf([pax('size=0'), { path: '././@LongLink', type: 'NextFileHasLongPath', content: 'name\0' }, { path: 'a' }, { path: 'b' }]))).map(({ path }) => path), ['name', 'b']);
});

test('sizes that none can have are refused', async (t) => {
  const base256 = (...bytes: readonly number[]): Buffer => Buffer.from([0x80, ...Array<number>(11 - bytes.length).fill(0), ...bytes]);
  t.like((await walk(withSize(base256(3))))[0], { size: 3, offset: 512 });
  const rows: [bytes: Buffer, message: RegExp][] = [
    [withSize(base256(1, 0, 0, 0)), /'x\.tar' is cut short: it ends inside 'a'/],
    [withSize(base256(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)), /at byte 0 stands a header with a number that is none$/],
    [withSize(Buffer.alloc(12, 0xff)), /at byte 0 stands/],
    [withSize(Buffer.from('-0000000001\0')), /at byte 0 stands a header without a size, of 'a'/],
    [withSize(Buffer.from('77777777777\0')), /is cut short/],
    [withSize(Buffer.from('zzzzzzzzzzz\0')), /without a size/],
    [tarOf([pax('size=99999999999999999999'), { path: 'a' }]), /without a size/],
    [tarOf([pax('size=1e400'), { path: 'a' }]), /without a size/],
    [tarOf([pax('path=long', 'size=-1'), { path: 'a' }]), /without a size, of 'long'/],
    [tarOf([{ path: 'x', type: 'ExtendedHeader', content: Buffer.alloc(1024 * 1024 + 1) }]), /an extended header of 1048577 bytes, 'x'/],
    [tarOf([{ path: 'a', content: 'x'.repeat(300) }]).subarray(0, 700), /is cut short: it ends inside 'a'/],
    [Buffer.concat([tarOf([{ path: 'a' }], Buffer.alloc(0)), Buffer.alloc(100)]), /is cut short: it ends behind 'a'/],
    [Buffer.concat([tarOf([{ path: 'a' }], Buffer.alloc(0)), Buffer.alloc(512, 'x')]), /at byte 512 stands a header whose checksum is wrong, behind 'a'/],
  ];
  for (const [bytes, message] of rows) {
    const error = await t.throwsAsync(walk(bytes), { instanceOf: TsrunError, message });
    t.is(error.code, 'ERR_TSRUN_IMAGE');
  }
  t.is((await walk(Buffer.concat([tarOf([{ path: 'a' }]), Buffer.from('what follows the end')]))).length, 1);
  t.is((await walk(tarOf([{ path: 'a' }], Buffer.alloc(0)))).length, 1, 'some tools write no end');
});

test('links and folders have no content, whatever their headers say', async (t) => {
  const entries = await walk(tarOf([{ path: 'l', type: 'Link', linkpath: 'x', size: 4096 }, { path: 'd/', type: 'Directory', size: 4096 }, { path: 's', type: 'SymbolicLink', linkpath: 'x', size: 9 }, { path: 'b', content: 'b' }]));
  t.deepEqual(entries.map(({ kind, size }) => [kind, size]), [['hard link', 0], ['directory', 0], ['symbolic link', 0], ['file', 1]]);
});

test('paths as a root sees them', async (t) => {
  const names = ['./a', '/b', 'c//d/.', '../e', 'f/../g', './', 'h'.repeat(200)];
  const tree = await openTarTree(await open(newFile(tarOf(names.map((path) => ({ path, pax: { path }, ...(path !== './' && { content: 'x' }) }))))), 'x');
  t.deepEqual(tree.entries.map(({ place }) => place), ['a', 'b', 'c/d', undefined, undefined, '', 'h'.repeat(200)]);
  t.truthy(await tree.find('c/d'));
  t.truthy(await tree.find('./b/../a'));
  t.is(await tree.find('e'), undefined);
  t.is(await tree.find('g'), undefined);
  await tree.close();
});

test('property: any bytes are an archive or refused', async (t) => {
  const original = tarOf([pax('path=p', 'size=3'), { path: 'a', content: 'abc' }, { path: 'l', type: 'SymbolicLink', linkpath: 'a' }, { path: '././@LongLink', type: 'NextFileHasLongPath', content: 'n'.repeat(600) }, { path: 'b' }]);
  const change = fc.tuple(fc.nat(original.length - 1), fc.nat(255));
  await fc.assert(fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), fc.boolean(), async (changes, isSealed) => {
    const bytes = Buffer.from(original);
    for (const [at, value] of changes) bytes[at] = value;
    if (isSealed) for (const [at] of changes) if (bytes[(at & ~511) + 257] === 0x75) seal(bytes, at & ~511);
    try {
      for (const { size, offset } of await walk(bytes)) t.true(size >= 0 && offset + size <= bytes.length);
    } catch (error) {
      t.true(TsrunError.is(error) && error.code === 'ERR_TSRUN_IMAGE', String(error));
    }
  }), { numRuns: 600 });
});
