import test from 'ava';
import fc from 'fast-check';
import { containerPool, nextFreeRange, overlap, parseSubordinateIds, RANGE_SIZE, subordinateRanges, type IdRange } from '../../src/host/id-ranges.js';

test('a range lies in the pool, is 65,536 long and starts at a multiple of that', (t) => {
  fc.assert(
    fc.property(fc.string(), (key) => {
      const { start, size } = nextFreeRange({ used: [], key }) ?? { start: 0, size: 0 };
      return size === RANGE_SIZE && start % RANGE_SIZE === 0 && start >= 524_288 && start + size - 1 <= 1_879_048_191;
    }),
  );
  t.pass();
});

test('the same key gives the same range, other keys mostly others', (t) => {
  t.deepEqual(nextFreeRange({ used: [], key: 'web.1' }), nextFreeRange({ used: [], key: 'web.1' }));
  const starts = new Set(Array.from({ length: 200 }, (_, index) => nextFreeRange({ used: [], key: `run.${index}` })?.start));
  t.true(starts.size > 190);
});

test('ranges that are handed out never overlap', (t) => {
  const used: IdRange[] = [];
  for (let index = 0; index < 500; index++) {
    const range = nextFreeRange({ used, key: 'the same key every time' });
    if (range === undefined) return t.fail();
    t.false(used.some((other) => overlap(other, range)));
    used.push(range);
  }
  t.is(used.length, 500);
});

test('every last range of a pool is found, then none', (t) => {
  const pools = [{ start: 100_000, size: 2 * RANGE_SIZE + 5 }, { start: 900_000, size: RANGE_SIZE }];
  const used: IdRange[] = [];
  for (let index = 0; index < 3; index++) {
    const range = nextFreeRange({ pools, used, key: 'x' });
    if (range !== undefined) used.push(range);
  }
  t.deepEqual(used.map(({ start }) => start).sort((a, b) => a - b), [100_000, 165_536, 900_000]);
  t.is(nextFreeRange({ pools, used, key: 'y' }), undefined);
  t.is(nextFreeRange({ pools: [{ start: 1, size: 10 }], used: [], key: 'y' }), undefined);
  t.is(nextFreeRange({ pools: [], used: [], key: 'y' }), undefined);
});

test('a range in use that is not aligned to ours blocks both that it touches', (t) => {
  const pools = [{ start: 0, size: 3 * RANGE_SIZE }];
  const used = [{ start: RANGE_SIZE - 1, size: 2 }];
  for (const key of ['a', 'b', 'c', 'd']) t.is(nextFreeRange({ pools, used, key })?.start, 2 * RANGE_SIZE);
});

test('the pool is what systemd sets aside', (t) => {
  t.deepEqual(containerPool, { start: 524_288, size: 1_878_523_904 });
});

test('subordinate ids: by name, by number, and lines that are none', (t) => {
  const text = '# comment\nalice:100000:65536\n\nbob:165536:65536\n1000:300000:1000\nalice:400000:0\nmad:4294967295:2\nbroken:1\nx:y:z\n';
  t.is(parseSubordinateIds(text).length, 3);
  t.deepEqual(subordinateRanges(text, { name: 'alice', uid: 1000 }), [
    { start: 100_000, size: 65_536 },
    { start: 300_000, size: 1000 },
  ]);
  t.deepEqual(subordinateRanges(text, { name: 'carol', uid: 5 }), []);
  t.deepEqual(parseSubordinateIds(''), []);
});
