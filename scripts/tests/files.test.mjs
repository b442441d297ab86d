import test from 'ava';
import { deal, selectFiles } from './files.mjs';

test('shares hold every file once and take about as long as each other', (t) => {
  const files = ['test/host/real-input.test.ts', ...Array.from({ length: 7 }, (_, index) => `test/host/f${index}.test.ts`), 'test/host/crash.test.ts'];
  const shares = deal(files, 2);
  t.deepEqual(shares.flat().sort(), files.toSorted());
  t.true(Math.abs((shares[0]?.length ?? 0) - (shares[1]?.length ?? 0)) <= 1);
  t.false(shares[0]?.includes('test/host/crash.test.ts') === shares[0]?.includes('test/host/real-input.test.ts'), 'the slow ones apart');
});

test('no share is empty', (t) => {
  t.deepEqual(deal(['a.test.ts'], 2), [['a.test.ts']]);
  t.deepEqual(deal([], 2), []);
});

test('texts pick files by their paths, or else tests by their titles', (t) => {
  const files = ['test/host/image-pull.test.ts', 'test/host/crash.test.ts', 'test/host/layers.test.ts'];
  t.deepEqual(selectFiles(files, ['image', 'layers']), { files: [files[0], files[2]], titles: undefined });
  t.deepEqual(selectFiles(files, ['a title', 'another']), { files, titles: ['a title', 'another'] });
  t.deepEqual(selectFiles(files, undefined), { files, titles: undefined });
});
