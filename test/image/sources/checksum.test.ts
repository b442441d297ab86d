/** What a file must be before anything of it is read. */
import { appendFileSync, writeSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { digestOf } from '../../../src/image/documents/digest.js';
import { openSource, verifyFile } from '../../../src/image/sources/open-source.js';
import type { SourceOptions } from '../../../src/image/sources/source-options.js';
import { TsrunError } from '../../../src/spec/errors.js';
import { newFile, newFolder, options, tarOfFiles } from './lab.js';

const plain = tarOfFiles({ './app/x': 'x' });
const bytes = gzipSync(plain);
const digits = digestOf(bytes).slice('sha256:'.length);
const other = `SHA256:${'0'.repeat(64)}`;

const open = async (path: string, changes: Partial<SourceOptions>): Promise<void> => {
  for (const image of await openSource({ form: 'any', path }, options(changes))) await image.close();
};

async function faultOf(work: Promise<void>): Promise<TsrunError> {
  const fault = await work.catch((error: unknown) => error);
  if (TsrunError.is(fault)) return fault;
  throw new Error(`no fault of tsrun's: ${String(fault)}`);
}

test('a file is taken with its checksum, however that is written, and not with another one', async (t) => {
  for (const checksum of [`SHA256:${digits}`, `sha256:${digits}`, `sha256:${digits.toUpperCase()}`]) await t.notThrowsAsync(open(newFile(bytes), { checksum }));
  const fault = await faultOf(open(newFile(bytes), { checksum: other }));
  t.is(fault.code, 'ERR_TSRUN_IMAGE');
  t.regex(fault.message, new RegExp(`has the checksum SHA256:${digits}, not SHA256:0{64}$`));
  t.regex((await faultOf(open(newFile(bytes.subarray(0, 40)), { checksum: `SHA256:${digits}` }))).message, /has the checksum/, 'before it is found damaged');
});

test('what is no checksum is refused, and so is one of a folder', async (t) => {
  for (const checksum of ['MD5:x', digits, `sha256:${digits}0`, '']) t.like(await faultOf(open(newFile(bytes), { checksum })), { code: 'ERR_TSRUN_INVALID_ARGUMENT', field: '/checksum' });
  t.like(await faultOf(open(newFolder(), { checksum: other })), { code: 'ERR_TSRUN_INVALID_ARGUMENT', field: '/checksum' });
  t.like(await faultOf(verifyFile(newFolder(), other, undefined)), { code: 'ERR_TSRUN_INVALID_ARGUMENT', field: '/checksum' });
});

test('a file that is written to after it was compared is not taken', async (t) => {
  const packed = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 1, 2, 3]);
  const checksum = digestOf(packed);
  const expandTo = (path: string, more: string): SourceOptions['expand'] => (_source, destination) => {
    if (more !== '') appendFileSync(path, more);
    writeSync(destination, plain);
    return Promise.resolve();
  };
  const [kept, written] = [newFile(packed), newFile(packed)];
  await t.notThrowsAsync(open(kept, { checksum, expand: expandTo(kept, '') }));
  t.regex((await faultOf(open(written, { checksum, expand: expandTo(written, 'x') }))).message, /was changed while it was read/);
});

test('one that was read before is compared without being opened; comparing can be given up', async (t) => {
  await t.notThrowsAsync(verifyFile(newFile(bytes), `SHA256:${digits}`, undefined));
  t.is((await faultOf(verifyFile(newFile(bytes), other, undefined))).code, 'ERR_TSRUN_IMAGE');
  t.is((await faultOf(verifyFile(newFile(bytes), `SHA256:${digits}`, AbortSignal.abort()))).code, 'ERR_TSRUN_ABORTED');
  t.is((await faultOf(verifyFile('/nowhere/at/all', other, undefined))).code, 'ERR_TSRUN_IMAGE');
});
