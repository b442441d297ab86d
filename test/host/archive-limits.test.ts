/** What is refused, how it is said, and what no archive takes: room, memory, time. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createReadStream, createWriteStream, openSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { createGzip, gzipSync } from 'node:zlib';
import { confinedProcess } from '../../src/container/archiver/confinement.js';
import { failureOf } from '../../src/container/archiver/report.js';
import { TsrunError } from '../../src/index.js';
import { freshFolder, refusal, someLimits, unpack, writeArchive } from '../support/archive-lab.js';
import { builtProgram } from '../support/built-program.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { bytesOf, gnuLong, paxGlobal, tar } from '../support/tar.js';
import { readNames } from '../support/trees.js';

const lab = new Lab();
const test = needs('root', 'command:getfattr');

const nul = 'a name in its extended header holds a NUL';
const entry = (name: string, why: string) => `ERR_TSRUN_IMAGE: entry '${name}' of the layer is refused: ${why}`;

test('each refusal names the entry and says why', async (t) => {
  const cases: readonly (readonly [Buffer, string])[] = [
    [tar([{ name: '../x', data: '1' }]), entry('../x', 'its name leads out of its folder')],
    [tar([{ name: 'a/../../x', data: '1' }]), entry('a/../../x', 'its name leads out of its folder')],
    [tar([{ name: 'x', pax: { path: 'a/../x' }, data: '1' }]), entry('a/../x', 'its name leads out of its folder')],
    [Buffer.concat([gnuLong('../x'), tar([{ name: 'y', magic: 'ustar  \0' }])]), entry('../x', 'its name leads out of its folder')],
    [tar([{ name: 'f', pax: { path: 'a\0b' } }]), entry('a', nul)],
    [tar([{ name: 'd/' }, { name: 'f', data: 'x'.repeat(300_000) }, { name: 'l', type: '2', link: 'x', pax: { comment: 'c'.repeat(300_000), linkpath: 'a\0b' } }]), entry('l', nul)],
    [tar([{ name: 'f', pax: { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 'a\0b', 'GNU.sparse.realsize': '3' }, data: Buffer.concat([Buffer.from('0\n'), Buffer.alloc(510)]) }]), entry('a', nul)],
    [Buffer.concat([paxGlobal({ path: 'a\0b' }), tar([{ name: 'f' }])]), entry('f', nul)],
    [tar([{ name: 'x'.repeat(99), prefix: '..' }]), entry(`../${'x'.repeat(99)}`, 'its name leads out of its folder')],
    [tar([{ name: 'f', pax: { path: `${'d/'.repeat(300)}f` } }]), entry(`${'d/'.repeat(200)}…`, 'it lies more than 256 folders deep')],
    [tar([{ name: 'f', pax: { path: 'n'.repeat(256) } }]), entry('n'.repeat(256), 'its name has a part of more than 255 bytes')],
    [tar([{ name: 'l', type: '2', link: '/etc' }, { name: 'l/x', data: '1' }]), entry('l/x', 'the way to it leads through a link of the same archive')],
    [tar([{ name: 'f', data: '1' }, { name: 'f/x', data: '1' }]), entry('f/x', 'what it should lie in is no folder')],
    [tar([{ name: '.wh.' }]), entry('.wh.', 'it is no whiteout of anything')],
    [tar([{ name: 'd/' }, { name: 'd/.wh...' }]), entry('d/.wh...', 'it is no whiteout of anything')],
    [tar([{ name: '.wh.x/y' }]), entry('.wh.x/y', 'it is no whiteout of anything')],
    [tar([{ name: 'h', type: '1', link: '../x' }]), entry('h', 'the target of its hard link: its name leads out of its folder')],
    [tar([{ name: 'h', type: '1', link: 'h' }]), entry('h', 'it is a hard link to itself or to the root')],
    [tar([{ name: 'd/' }, { name: 'h', type: '1', link: 'd' }]), entry('h', 'it is a hard link to a folder')],
    [tar([{ name: '.wh.x' }, { name: 'h', type: '1', link: 'x' }]), entry('h', 'it is a hard link to what the same archive takes away')],
    [tar([{ name: 'l', type: '2' }]), entry('l', 'it is a link to nothing')],
    [tar([{ name: '.', data: '1' }]), entry('.', 'the root is no folder in it')],
    [tar([{ name: '.', type: '1', link: 'x' }]), entry('.', 'the root is no folder in it')],
    [tar([{ name: 'f', uid: 2 ** 32 }]), entry('f', 'its owner is no number from 0 to 4294967294')],
    [tar([{ name: 'f', uid: -1 }]), entry('f', 'its owner is no number from 0 to 4294967294')],
    [tar([{ name: 'a', data: '1' }, { name: 'b', checksum: 1 }]), "ERR_TSRUN_IMAGE: what follows entry 'a' of the layer is refused: Damaged tar archive"],
    [tar([{ name: 'f', data: 'x'.repeat(2000) }]).subarray(0, 1024), entry('f', 'Truncated tar archive')],
    [tar([{ name: 'f', data: 'x'.repeat(2000) }]).subarray(0, 512 + 1999), entry('f', 'the archive ends in the middle of it')],
    // All that is missing of its header are zeros.
    [tar([{ name: 'e', data: '' }, { name: 'f', data: '' }]).subarray(0, 1020), entry('f', 'the archive ends in the middle of it')],
    [Buffer.from('this is no archive'.repeat(100)), 'ERR_TSRUN_IMAGE: the layer is refused: Unrecognized archive format'],
    [gzipSync(tar([{ name: 'f', data: 'x' }])).subarray(0, 40), 'ERR_TSRUN_IMAGE: the layer is refused: truncated gzip input'],
  ];
  for (const [bytes, message] of cases) t.is(await refusal(lab, bytes), message);
});

test('an extended header is looked at wherever it lies in what is read, and a value that is no name may hold a NUL', async (t) => {
  const values = { 'SCHILY.xattr.user.note': 'a\0b', comment: 'a\0b' };
  for (const length of [1, 261_000, 261_120, 261_600, 262_100, 524_000]) {
    const before = { name: 'f', data: 'x'.repeat(length) };
    t.deepEqual(readNames((await unpack(lab, tar([before, { name: 'g', pax: values }]))).folder), ['f', 'g']);
    t.is(await refusal(lab, tar([before, { name: 'g', pax: { ...values, path: 'a\0b' } }])), entry('a', nul));
  }
  const sized = Buffer.from('800000000000000000000000', 'hex');
  sized[11] = 12;
  t.is(await refusal(lab, Buffer.concat([bytesOf({ name: 'x', type: 'x', size: sized, data: '12 path=a\0b\n' }), tar([{ name: 'f' }])])), entry('a', nul), 'sized in base 256');
});

test('a name from a global header counts for the entries behind it, or for none', async (t) => {
  t.deepEqual(readNames((await unpack(lab, Buffer.concat([paxGlobal({ path: '../x' }), tar([{ name: 'f', data: '1' }])]))).folder), ['f']);
});

test('limits: bytes, entries and ratio', async (t) => {
  const files = tar(Array.from({ length: 10 }, (_, index) => ({ name: `f${index}`, data: 'x'.repeat(1000) })));
  t.is(await refusal(lab, files, { limits: { ...someLimits, bytes: 9999 } }), entry('f9', 'the archive unpacks to more bytes than the limit allows'));
  t.is(await refusal(lab, files, { limits: { ...someLimits, entries: 9 } }), entry('f9', 'the archive holds more entries than the limit allows'));
  t.like((await unpack(lab, files, { limits: { bytes: 10_000, entries: 10, ratio: 1 } })).report, { entries: 10 }, 'what is within them is taken');
  t.is(await refusal(lab, tar([{ name: 'f', size: Buffer.from('800000004000000000000000', 'hex') }])), entry('f', 'the archive unpacks to more bytes than the limit allows'));
  t.regex(await refusal(lab, tar([{ name: 'sparse', pax: { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 'sparse', 'GNU.sparse.realsize': String(2 ** 62) }, data: `1\n0\n1\n${'\0'.repeat(506)}x` }])), /the archive unpacks to more bytes than the limit allows$/);
  const bomb = join(lab.scratch, 'bomb.gz');
  await pipeline(Readable.from(zeros(2 ** 28)), createGzip({ level: 9 }), createWriteStream(bomb));
  t.regex(await refusal(lab, bomb, { limits: { ...someLimits, ratio: 100 } }), /it unpacks to more bytes for each of its own than the limit allows$/);
  const small = gzipSync(Buffer.concat([bytesOf({ name: 'zeros', data: Buffer.alloc(9_000_000) })]), { level: 9 });
  t.like((await unpack(lab, small, { limits: { ...someLimits, ratio: 2 } })).report, { unpackedBytes: 9_000_000 }, 'counted from ten megabytes on');
});

function* zeros(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= 2 ** 20) yield Buffer.alloc(2 ** 20);
}

/** Peak resident memory of the program itself, without a container, in a root and under the same limits, in megabytes; and how it ended. */
function measure(archive: string): { readonly megabytes: number; readonly code: number } {
  // What it unpacks into is its root, wherever it was started.
  const script = `import os, resource, sys
program, null = os.open(sys.argv[1], os.O_RDONLY), os.open(os.devnull, os.O_WRONLY)
child = os.fork()
if child == 0:
    resource.setrlimit(resource.RLIMIT_DATA, (48 << 20, 176 << 20))
    os.chroot('.')
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.execve(program, sys.argv[1:], {})
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)`;
  // In a file system of its own, which ends with it: to remove thirty thousand folders one by one takes half a minute.
  const inMemory = 'mount -t tmpfs tmpfs . && cd "$PWD" && exec "$@"';
  const words = [builtProgram('tsrun-archive'), 'unpack', 'bytes=9000000000', 'entries=1000000', 'ratio=100000000'];
  const { stdout } = spawnSync('unshare', ['--mount', 'sh', '-c', inMemory, 'sh', 'python3', '-c', script, ...words], { cwd: freshFolder(lab), stdio: [openSync(archive, 'r'), 'pipe', 'inherit'], encoding: 'utf8' });
  const [code = Number.NaN, kilobytes = Number.NaN] = stdout.split(' ').map(Number);
  return { code, megabytes: kilobytes / 1024 };
}

/** GNU's old form: a map of a sparse file that goes on and on. */
function endlessMap(blocks: number): Buffer {
  const head = bytesOf({ name: 'sparse', type: 'S', magic: 'ustar  \0', size: 512 });
  for (let index = 0; index < 4; index++) head.write(`${(index * 512).toString(8).padStart(11, '0')}\0${'1'.padStart(11, '0')}\0`, 386 + index * 24, 'latin1');
  head[482] = 1;
  head.fill(' ', 148, 156);
  head.write(`${head.subarray(0, 512).reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  const parts: Buffer[] = [head];
  for (let block = 0; block < blocks; block++) {
    const map = Array.from({ length: 21 }, (_, index) => `${((4 + block * 21 + index) * 512).toString(8).padStart(11, '0')}\0${'1'.padStart(11, '0')}\0`).join('');
    parts.push(Buffer.concat([Buffer.from(map, 'latin1'), Buffer.from([1, 0, 0, 0, 0, 0, 0, 0])]));
  }
  return Buffer.concat(parts);
}

needs('root', 'command:python3')('memory is bounded whatever is in an archive', (t) => {
  const huge = bytesOf({ name: 'pax', type: 'x', size: 2 ** 30, data: Buffer.alloc(2 ** 26) });
  const attributes = tar([{ name: 'f', data: '1', pax: Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`SCHILY.xattr.user.a${index}`, 'v'])) }]);
  const folders = tar(Array.from({ length: 30_000 }, (_, index) => ({ name: `d${index}/` })));
  const archives: Readonly<Record<string, Buffer>> = {
    zeros: gzipSync(Buffer.concat([bytesOf({ name: 'zeros', data: Buffer.alloc(2 ** 27) })]), { level: 1 }),
    huge: gzipSync(huge, { level: 1 }),
    attributes,
    folders: gzipSync(folders, { level: 1 }),
    map: gzipSync(endlessMap(100_000), { level: 1 }),
    'nested.gz': gzipSync(gzipSync(gzipSync(Buffer.alloc(2 ** 26)))),
  };
  for (const [name, bytes] of Object.entries(archives)) {
    const { code, megabytes } = measure(writeArchive(lab, name, bytes));
    t.log(`${name}: ${megabytes.toFixed(0)} MB, code ${code}`);
    t.true(megabytes < 64, `${name}: ${megabytes} MB`);
  }
});

/** One entry again and again; says how much of it was read. */
function* manyTimes(entry: Buffer, times: number, told: { bytes: number }): Generator<Buffer> {
  const block = Buffer.concat(Array.from({ length: 1000 }, () => entry));
  for (let index = 0; index < times / 1000; index++) {
    told.bytes += block.length;
    yield block;
  }
}

test('of ten million entries no more is read than the limit lets in, and none of them is kept', async (t) => {
  const told = { bytes: 0 };
  const source = Readable.from(manyTimes(bytesOf({ name: 'f' }), 1e7, told));
  t.is(await refusal(lab, Buffer.alloc(0), { source, limits: { ...someLimits, entries: 20_000 } }), entry('f', 'the archive holds more entries than the limit allows'));
  t.true(told.bytes < 2 ** 25, `${told.bytes} bytes were read`);
});

test('what lies on the disk is never more than the limit, whatever is refused', async (t) => {
  const bytes = 2 ** 20;
  const usedBy = (folder: string) => 1024 * Number(execFileSync('du', ['-sk', folder], { encoding: 'utf8' }).split('\t')[0]);
  const chunk = bytesOf({ name: 'large', size: 2 ** 30, data: Buffer.alloc(2 ** 22, 'x') });
  const pieces = tar(Array.from({ length: 64 }, (_, index) => ({ name: `f${index}`, data: Buffer.alloc(2 ** 16, 'y') })));
  const random = Buffer.alloc(2 ** 22);
  const sparse = tar([{ name: 'sparse', pax: { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 'sparse', 'GNU.sparse.realsize': '512' }, data: Buffer.concat([Buffer.from(`1\n0\n${random.length}\n`.padEnd(512, '\0')), random]) }]);
  for (const [name, archive] of Object.entries({ chunk, pieces, sparse, bomb: gzipSync(chunk) })) {
    const destination = freshFolder(lab);
    const said = await refusal(lab, archive, { destination, limits: { ...someLimits, bytes } });
    t.regex(said, /^ERR_TSRUN_IMAGE: /, name);
    t.true(usedBy(destination) <= bytes + 2 ** 16, `${name}: ${usedBy(destination)} bytes`);
  }
});

test('what follows the end of an archive is part of its digests, and of nothing else', async (t) => {
  const plain = tar([{ name: 'f', data: '1' }]);
  const [clean, trailed] = [await unpack(lab, plain), await unpack(lab, Buffer.concat([plain, tar([{ name: 'hidden', data: '2' }]), Buffer.alloc(5000, 'z')]))];
  t.deepEqual(readNames(trailed.folder), ['f']);
  t.not(trailed.report.diffId, clean.report.diffId);
  const compressed = gzipSync(plain);
  const behind = await unpack(lab, Buffer.concat([compressed, Buffer.from('garbage')]));
  t.deepEqual([readNames(behind.folder), behind.report.diffId], [['f'], clean.report.diffId]);
  t.not(behind.report.blobDigest, (await unpack(lab, compressed)).report.blobDigest);
});

test('an archive that takes too long ends by the clock of its processor', (t) => {
  t.is(failureOf(undefined, 'SIGXCPU', { subject: 'the layer', folder: '/x' }).message, 'the layer is refused: it takes more than an hour of processor time');
  const limit = confinedProcess([], 'alone').rlimits?.find(({ type }) => type === 'RLIMIT_CPU');
  t.deepEqual(limit, { type: 'RLIMIT_CPU', soft: 3600, hard: 3610 });
});

test('a map without an end is refused for its hunger', async (t) => {
  t.regex(await refusal(lab, gzipSync(endlessMap(150_000), { level: 1 })), /^ERR_TSRUN_IMAGE: the layer cannot be read: it wants more memory/);
});

needs('root', 'command:zstd', 'command:xz')('decoders get the window that their best level needs, and not more', async (t) => {
  const plain = tar([{ name: 'f', data: Buffer.alloc(2 ** 27, 'some text that repeats itself, ') }]);
  for (const [program, ...words] of [['xz', '-9', '-T1'], ['zstd', '-q', '--ultra', '-22'], ['zstd', '-q', '--long=27']]) {
    const bytes = execFileSync(program ?? '', [...words, '-c'], { input: plain, maxBuffer: 2 ** 28 });
    t.like((await unpack(lab, bytes, { limits: { ...someLimits, ratio: 1e7 } })).report, { unpackedBytes: 2 ** 27 }, words.join(' '));
  }
  const tooLarge = execFileSync('zstd', ['-q', '--long=28', '-c'], { input: Buffer.concat([plain, plain, plain]), maxBuffer: 2 ** 28 });
  t.regex(await refusal(lab, tooLarge), /^ERR_TSRUN_IMAGE: the layer is refused: Zstd decompression failed/);
});

test('a full file system is the store\'s fault, not the archive\'s', async (t) => {
  const folder = freshFolder(lab);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
  try {
    const said = await refusal(lab, tar([{ name: 'large', data: Buffer.alloc(2 ** 21, 'x') }]), { destination: folder });
    t.is(said, `ERR_TSRUN_STORE: entry 'large' of the layer: write in '${folder}': ENOSPC`);
  } finally {
    execFileSync('umount', [folder]);
  }
});

needs('root', 'overlay')('a store on overlayfs, as inside of another container, is told of where it takes no whiteout', async (t) => {
  const folder = freshFolder(lab);
  const [lower, upper, work] = [freshFolder(lab), freshFolder(lab), freshFolder(lab)];
  await lab.runtime();
  execFileSync('mount', ['-t', 'overlay', '-o', `lowerdir=${lower},upperdir=${upper},workdir=${work}`, 'overlay', folder]);
  try {
    const error = await t.throwsAsync(unpack(lab, tar([{ name: '.wh.gone' }]), { destination: folder }), { instanceOf: TsrunError });
    t.is(`${error.code}: ${error.message}`, `ERR_TSRUN_STORE: entry '.wh.gone' of the layer: mknodat in '${folder}': EPERM`);
    t.regex(error.hint ?? '', /overlayfs.*--root-dir/);
  } finally {
    execFileSync('umount', [folder]);
  }
});

test('every flipped byte of a blob is an error or another digest', async (t) => {
  const blob = gzipSync(tar([{ name: 'f', data: 'some text' }, { name: 'l', type: '2', link: 'f' }]));
  const { report } = await unpack(lab, blob);
  for (let at = 0; at < blob.length; at += 3) {
    const damaged = Buffer.from(blob);
    damaged[at] = (damaged[at] ?? 0) ^ 0x10;
    const said = await refusal(lab, damaged);
    t.false(said.includes(report.blobDigest), `byte ${at}`);
  }
});

test('an aborted unpacking ends at once, as does one whose source fails', async (t) => {
  const controller = new AbortController();
  const endless = new Readable({ read() { this.push(Buffer.alloc(65_536)); } });
  const work = unpack(lab, Buffer.alloc(0), { source: endless, signal: controller.signal });
  await delay(50);
  controller.abort(new Error('enough'));
  const error = await t.throwsAsync(work);
  t.like(error, { code: 'ERR_TSRUN_ABORTED', cause: new Error('enough') });
  t.true(endless.destroyed);
  await t.throwsAsync(unpack(lab, Buffer.alloc(0), { source: createReadStream('/none') }), { code: 'ENOENT' });
  const closed = new Readable({ read() { this.destroy(); } });
  await t.throwsAsync(unpack(lab, Buffer.alloc(0), { source: closed }), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
  const unread = new Readable({ read: () => undefined });
  t.like(await t.throwsAsync(unpack(lab, Buffer.alloc(0), { source: unread, signal: AbortSignal.abort() })), { code: 'ERR_TSRUN_ABORTED' });
  t.true(unread.destroyed, 'before anybody was there to read it');
});

test('progress tells of bytes that were read', async (t) => {
  const told: number[] = [];
  const path = writeArchive(lab, 'progress.tar', tar([{ name: 'f', data: Buffer.alloc(5 * 2 ** 20, 'x') }]));
  await unpack(lab, path, { onProgress: (bytes) => told.push(bytes) });
  t.true(told.length >= 4 && told.every((bytes, index) => index === 0 || bytes > (told[index - 1] ?? 0)), String(told));
});

test('a folder that is not there is no silence', async (t) => {
  await t.throwsAsync(unpack(lab, tar([]), { destination: join(lab.scratch, 'none') }), { instanceOf: TsrunError });
});

lab.declareLeakTest();
