import test from 'ava';
import fc from 'fast-check';
import { difference } from '../../src/cli/difference.js';

const signed = (before: string, after: string) => difference(Array.from(before), Array.from(after), (item) => item).map(({ sign, item }) => sign + item).join(' ');

test('what is taken away and what is added, in order', (t) => {
  t.is(signed('abc', 'abc'), '');
  t.is(signed('', 'ab'), '+a +b');
  t.is(signed('ab', ''), '-a -b');
  t.is(signed('abc', 'axc'), '-b +x');
  t.is(signed('abcd', 'bd'), '-a -c');
  t.is(signed('abab', 'ab'), '-a -b');
});

const list = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 });

test('the changes lead from one list to the other, and there are as few as can be', (t) => {
  fc.assert(fc.property(list, list, (before, after) => {
    const changes = difference(before, after, (item) => item);
    const taken = changes.filter(({ sign }) => sign === '-').map(({ item }) => item);
    const added = changes.filter(({ sign }) => sign === '+').map(({ item }) => item);
    t.is(before.length - taken.length, after.length - added.length);
    t.is(before.length - taken.length, longestCommon(before, after));
    t.true(isSubsequence(taken, before) && isSubsequence(added, after));
  }));
});

/** By trying everything; slow and plain. */
function longestCommon(a: readonly string[], b: readonly string[]): number {
  const [first, ...rest] = a;
  if (first === undefined || b.length === 0) return 0;
  const at = b.indexOf(first);
  const without = longestCommon(rest, b);
  return at < 0 ? without : Math.max(without, 1 + longestCommon(rest, b.slice(at + 1)));
}

function isSubsequence(part: readonly string[], whole: readonly string[]): boolean {
  let at = 0;
  for (const item of whole) if (part[at] === item) at++;
  return at === part.length;
}
