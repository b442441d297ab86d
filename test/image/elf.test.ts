import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { elfInterpreter, elfKind, readElf } from '../../src/image/elf.js';
import { cachedPaths } from '../../src/image/ld-cache.js';
import { elfBytes, ldCacheBytes } from '../support/elf-bytes.js';

const parts = { interpreter: '/lib64/ld.so', soname: 'libself.so.1', needed: ['liba.so.1', 'libb.so.2'], runpath: '$ORIGIN/../lib:/opt', rpath: '/old' };

test('what a file asks of its loader', (t) => {
  t.deepEqual(readElf(elfBytes(parts)), parts);
  t.deepEqual(readElf(elfBytes({})), { needed: [] });
  t.is(elfKind(elfBytes({})), '02013e00');
  t.is(elfKind(elfBytes({ machine: 183 })), '0201b700');
});

test('a real program is read', (t) => {
  const elf = readElf(readFileSync(process.execPath));
  t.regex(elf?.interpreter ?? '', /\/ld-/);
  t.true(elf?.needed.some((name) => name.startsWith('libc.')));
});

test('the interpreter is read from the head alone, and not from less', (t) => {
  const bytes = elfBytes(parts);
  t.is(elfInterpreter(bytes), '/lib64/ld.so');
  t.is(elfInterpreter(bytes.subarray(0, bytes.length - 1)), undefined);
  t.is(elfInterpreter(elfBytes({})), undefined);
});

test('what is no 64-bit little-endian ELF file is none', (t) => {
  t.is(elfKind(Buffer.from('#!/bin/sh\n# and so on')), undefined);
  for (const [at, value] of [[0, 0], [4, 1], [5, 2], [54, 55]] as const) {
    const bytes = elfBytes(parts);
    bytes[at] = value;
    t.is(readElf(bytes), undefined, `byte ${at}`);
  }
});

test('a file that was cut anywhere is not read by half', (t) => {
  const bytes = elfBytes(parts);
  for (let length = 0; length < bytes.length; length++) t.is(readElf(bytes.subarray(0, length)), undefined, String(length));
});

test('more than a file can have is refused: segments, entries, long strings, and a name that is no UTF-8', (t) => {
  const crowded = Buffer.concat([elfBytes(parts), Buffer.alloc(65_535 * 56)]);
  crowded.writeUInt16LE(65_535, 56);
  t.is(readElf(crowded), undefined);
  t.is(readElf(elfBytes({ needed: Array.from({ length: 1100 }, () => 'a') })), undefined);
  t.is(readElf(elfBytes({ runpath: '/x'.repeat(20_000) })), undefined);
  const odd = elfBytes({ needed: ['libodd.so'] });
  odd[odd.indexOf('libodd')] = 0xff;
  t.is(readElf(odd), undefined);
});

test('whatever the bytes are, nothing is thrown and nothing takes long', (t) => {
  const whole = elfBytes(parts);
  const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 12 });
  const wild = fc.oneof(
    changes.map((each) => {
      const bytes = Buffer.from(whole);
      for (const [at, value] of each) bytes[at] = value;
      return bytes;
    }),
    fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.concat([whole.subarray(0, 64), bytes])),
    fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
  );
  const started = Date.now();
  fc.assert(
    fc.property(wild, (bytes) => {
      elfInterpreter(bytes);
      elfKind(bytes);
      return (readElf(bytes)?.needed.length ?? 0) <= 1024;
    }),
    { numRuns: 5000 },
  );
  t.true(Date.now() - started < 20_000);
});

const cached = { 'liba.so.1': '/opt/a/liba.so.1', 'libb.so.2': '/opt/b/libb-2.3.so' };

test('the cache of the loader tells where a library is, by its whole name', (t) => {
  for (const before of [0, 496]) {
    const bytes = ldCacheBytes(cached, before);
    t.deepEqual(cachedPaths(bytes, 'liba.so.1'), ['/opt/a/liba.so.1']);
    t.deepEqual(cachedPaths(bytes, 'libb.so.2'), ['/opt/b/libb-2.3.so']);
    t.deepEqual(cachedPaths(bytes, 'a.so.1'), []);
    t.deepEqual(cachedPaths(bytes, 'liba.so'), []);
  }
});

test('a damaged cache knows nothing, and nothing is thrown', (t) => {
  const whole = ldCacheBytes(cached);
  const changes = fc.array(fc.tuple(fc.integer({ min: 20, max: whole.length - 1 }), fc.nat(255)), { maxLength: 8 });
  fc.assert(
    fc.property(changes, fc.nat(whole.length), (each, length) => {
      const bytes = Buffer.from(whole.subarray(0, length));
      for (const [at, value] of each) if (at < length) bytes[at] = value;
      return cachedPaths(bytes, 'liba.so.1').length <= 2;
    }),
    { numRuns: 3000 },
  );
  t.deepEqual(cachedPaths(Buffer.from('ld.so-1.7.0'), 'liba.so.1'), []);
});
