// What of tsrun-oci is a function of its arguments: the command line, durations, JSON, sub-cgroups, fields of records.
import test from 'ava';
import fc from 'fast-check';
import { readDuration } from '../../src/oci-cli/duration.js';
import { execCgroup } from '../../src/oci-cli/exec-cgroup.js';
import { fieldOf, ownsPids } from '../../src/oci-cli/fields.js';
import { jsonText } from '../../src/oci-cli/json-text.js';
import { countOf, readWords, textOf, wantsJson, type FlagTable } from '../../src/oci-cli/words.js';

const table: FlagTable = {
  all: { kind: 'flag', short: 'a', says: '' },
  env: { kind: 'texts', short: 'e', says: '' },
  format: { kind: 'text', says: '' },
  count: { kind: 'count', says: '' },
  never: { kind: 'refused', says: 'because' },
};
const read = (words: readonly string[], flagsFirst = false) => readWords(table, words, flagsFirst);

test('flags in each of their spellings, before the other words and among them', (t) => {
  for (const words of [['--all', '--format', 'json', 'x'], ['-a', '-format=json', 'x'], ['x', '--all=true', '--format=json'], ['--format', 'xml', 'x', '--format', 'json', '-all']]) {
    const found = read(words);
    t.deepEqual([found.flags.has('all'), textOf(found, 'format'), found.rest], [true, 'json', ['x']], words.join(' '));
  }
  t.deepEqual(read(['-e', 'A=1', '--env=B=2=3', 'x', '-e', '-a']).texts.get('env'), ['A=1', 'B=2=3', '-a']);
  t.false(read(['--all', '--all=false']).flags.has('all'));
  t.is(countOf(read(['--count', '3']), 'count'), 3);
  t.is(countOf(read([]), 'count'), 0);
});

test('where flags come first, the other words are as they are', (t) => {
  t.deepEqual(read(['-a', 'x', '--format', '-e', '--nosuch'], true).rest, ['x', '--format', '-e', '--nosuch']);
  t.deepEqual(read(['x', '--nosuch', '-5', '-', '--']).rest, ['x', '--nosuch', '-5', '-']);
  for (const first of [true, false]) t.deepEqual(read(['-a', '--', '-a', '--format'], first).rest, ['-a', '--format']);
});

test('what is wrong is named', (t) => {
  for (const [words, message] of [
    [['--nosuch', 'x'], 'flag provided but not defined: -nosuch'],
    [['--format'], 'flag needs an argument: -format'],
    [['--all=perhaps'], 'invalid boolean value "perhaps" for -all: parse error'],
    [['--count', '-1'], 'invalid value "-1" for flag -count: parse error'],
    [['--count=5x'], 'invalid value "5x" for flag -count: parse error'],
    [['--never'], '--never is not supported: because'],
    [['x', '--never=5'], '--never is not supported: because'],
  ] as const) t.throws(() => read(words), { message });
  t.throws(() => wantsJson(read(['--format', 'xml'])), { message: 'invalid format option' });
  t.deepEqual([['--format', 'json'], ['--format=table'], []].map((words) => wantsJson(read(words))), [true, false, false]);
});

test('no words are too odd to be read or refused', (t) => {
  const word = fc.oneof(fc.constantFrom('-', '--', '---', '-a', '--all=', '-=', '--=x', '--format', '-e', '--count', '--never', 'x', ''), fc.string());
  t.notThrows(() => {
    fc.assert(fc.property(fc.array(word), fc.boolean(), (words, first) => {
      try {
        const { rest } = read(words, first);
        return rest.every((each) => words.includes(each));
      } catch (error) {
        return error instanceof Error && error.message !== '' && 'status' in error;
      }
    }));
  });
});

test('durations as Go writes them', (t) => {
  for (const [text, ms] of [['5s', 5000], ['1m30s', 90_000], ['1.5h', 5_400_000], ['250ms', 250], ['.5s', 500], ['0', 0], ['1us', 0.001], ['1h1m1s1ms', 3_661_001]] as const) t.is(readDuration(text), ms, text);
  for (const text of ['', '5', 's', '5 s', '-5s', '5s5', '1m,5s', 'five', '5S', '1e3s']) t.is(readDuration(text), undefined, text);
});

test('integers of all sizes in JSON', (t) => {
  t.is(jsonText({ a: 18_446_744_073_709_551_615n, b: [-(2n ** 63n), 1], c: '18n' }), '{"a":18446744073709551615,"b":[-9223372036854775808,1],"c":"18n"}');
  t.is(jsonText({ a: 1n }, ' '), '{\n "a": 1\n}');
  t.is(jsonText([1, null, 'x']), '[1,null,"x"]');
});

test('a sub-cgroup lies below the container\'s', (t) => {
  const cgroup = '/sys/fs/cgroup/tsrun/x';
  t.is(execCgroup({ cgroup }, []), cgroup);
  for (const [path, place] of [['/', ''], ['a', '/a'], ['/a//b/', '/a/b'], ['./a/.', '/a']] as const) t.is(execCgroup({ cgroup }, [path]), `${cgroup}${place}`, path);
  for (const path of ['..', 'a/../b', '/..']) t.throws(() => execCgroup({ cgroup }, [path]), { message: `bad sub cgroup path: ${path}` });
  for (const given of [['cpu:a'], ['a', 'b']]) t.throws(() => execCgroup({ cgroup }, given), { message: /^invalid --cgroup argument/ });
  t.is(execCgroup({ cgroup: '' }, []), undefined);
  t.throws(() => execCgroup({ cgroup: '' }, ['a']), { message: /has no cgroup/ });
});

test('whose pid namespace a container is in', (t) => {
  const spec = (...namespaces: readonly object[]) => ({ linux: { namespaces } });
  t.true(ownsPids(spec({ type: 'mount' }, { type: 'pid' })));
  t.true(ownsPids(spec({ type: 'pid', path: '' })));
  for (const other of [spec({ type: 'mount' }), spec({ type: 'pid', path: '/proc/1/ns/pid' }), {}, null, { linux: null }]) t.false(ownsPids(other));
  t.is(fieldOf({ a: 1 }, 'a'), 1);
  for (const none of [{}, null, 5, 'a']) t.is(fieldOf(none, 'a'), undefined);
});
