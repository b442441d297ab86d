/** tsrun-oci's native reader takes nothing that the one in TypeScript refuses, and reads nothing differently. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { parseJsonBytes } from '../../src/spec/json.js';

const checkout = resolve(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'tsrun-json-'));
const program = join(folder, 'reader');

test.before(() => {
  const quickjs = execFileSync(process.execPath, [join(checkout, 'scripts/quickjs.mjs')], { encoding: 'utf8' }).trim();
  const sources = [join(checkout, 'test/native/json-reader.cc'), ...['json', 'script', 'texts'].map((name) => join(checkout, `native/oci/${name}.cc`))];
  execFileSync('g++', ['-std=c++20', '-O1', '-I', join(checkout, 'native'), '-isystem', join(quickjs, 'include'), '-o', program, ...sources, join(quickjs, 'libquickjs.a'), '-lm']);
});

test.after.always(() => { rmSync(folder, { recursive: true }); });

/** What the native reader says of each. */
function native(documents: readonly Uint8Array[]): string[] {
  const pieces = documents.flatMap((each) => [new Uint8Array(new Uint32Array([each.length]).buffer), each]);
  return execFileSync(program, { input: Buffer.concat(pieces), encoding: 'utf8', maxBuffer: 2 ** 26 }).trimEnd().split('\n');
}

function inTypeScript(document: Uint8Array): string | undefined {
  try {
    return JSON.stringify(parseJsonBytes(document, 'x'), (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
  } catch {
    return undefined;
  }
}

/** @returns how many were read natively */
function compare(t: ExecutionContext, documents: readonly Uint8Array[]): number {
  const told = native(documents);
  t.is(told.length, documents.length);
  for (const [index, text] of told.entries()) if (text !== 'left') t.is(inTypeScript(documents[index] ?? new Uint8Array()), text);
  return told.filter((text) => text !== 'left').length;
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

test('documents of any values', (t) => {
  const value = fc.jsonValue({ stringUnit: 'binary', depthSize: 'medium' });
  const texts = fc.sample(fc.tuple(value, fc.constantFrom(undefined, 1, '\t')), 2000).map(([each, indent]) => JSON.stringify(each, null, indent));
  t.true(compare(t, texts.map(bytesOf)) > texts.length / 4);
});

test('pieces of documents in any order', (t) => {
  const piece = fc.constantFrom(...'{}[]",:0123456789.eE+-\\/u_ntfalsrue \n\t\u0000\u00e9'.split(''), '"a":', '"\\u0041"', '{"a":1}', 'true', '\\ud83d', '-0', '1,', '99999999999999999');
  const texts = fc.sample(fc.array(piece, { maxLength: 10 }), 20_000).map((pieces) => pieces.join(''));
  t.true(compare(t, texts.map(bytesOf)) > 100);
});

test('a configuration with a byte changed', (t) => {
  const text = bytesOf('{"ociVersion":"1.3.0","process":{"args":["\\u00e4\\n\u20ac",""],"user":{"uid":0,"gid":-7}},"__proto__":[true,null,{"0":1,"a":1}],"limit":123456789012345}');
  const changes = fc.sample(fc.tuple(fc.nat(text.length - 1), fc.integer({ min: 0, max: 255 })), 20_000);
  t.true(compare(t, [text, ...changes.map(([at, byte]) => text.with(at, byte))]) > 1000);
});

test('what has one meaning is read natively', (t) => {
  const plain = ['0', '-1', '123456789012345', 'null', '""', '"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\u0001\\u00e9\\u20AC\\ufffd"', ' [ ] ', '{"":{}}', '{"__proto__":1,"constructor":2}', '['.repeat(64) + ']'.repeat(64)];
  t.is(compare(t, plain.map(bytesOf)), plain.length);
});

test('what is wrong, or rare, is left', (t) => {
  const wrong = ['', '{', '[1,]', '{"a":1,}', '{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '"\\u0000"', '"\\ud83d\\ude00"', '"\\x"', '"\n"', '"', '01', '-', '-0', '1.0', '1e3', '9007199254740993', 'truex', 'nul', '1 2', '\ufeff1', '['.repeat(65) + ']'.repeat(65)].map(bytesOf);
  const notUtf8 = [[0x22, 0xff, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22], [0x22, 0xc0, 0x80, 0x22], [0x22, 0xe2, 0x82, 0x22]].map((bytes) => Uint8Array.from(bytes));
  const tooLong = bytesOf(`"${'x'.repeat(4 * 1024 * 1024)}"`);
  t.is(compare(t, [...wrong, ...notUtf8, tooLong]), 0);
});
