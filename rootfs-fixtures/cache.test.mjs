import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { cached, cacheFolder, recipeKey } from './cache.mjs';

const day = 24 * 60 * 60;

test.beforeEach((t) => {
  t.context = mkdtempSync(join(tmpdir(), 'tsrun-cache-'));
  process.env.TSRUN_CACHE = t.context;
});
test.afterEach.always((t) => rmSync(t.context, { recursive: true }));

const writeHello = (folder) => writeFileSync(join(folder, 'hello'), 'there');

test.serial('an entry is made once', (t) => {
  const entry = cached('things', 'one', 'k1', writeHello);
  t.is(entry, join(t.context, 'things/one-k1'));
  t.is(cached('things', 'one', 'k1', () => t.fail()), entry);
  t.is(readFileSync(join(entry, 'hello'), 'utf8'), 'there');
});

test.serial('a failure leaves nothing', (t) => {
  t.throws(() => cached('things', 'one', 'k1', () => { throw new Error('no'); }), { message: 'no' });
  t.deepEqual(readdirSync(join(t.context, 'things')), []);
});

test.serial('the faster of two builders wins', (t) => {
  const entry = cached('things', 'one', 'k1', (folder) => {
    writeFileSync(join(folder, 'hello'), 'late');
    cached('things', 'one', 'k1', writeHello);
  });
  t.is(readFileSync(join(entry, 'hello'), 'utf8'), 'there');
  t.deepEqual(readdirSync(join(t.context, 'things')), ['one-k1']);
});

test.serial('unused versions go after a week, those of other names stay', (t) => {
  const [old, other] = [cached('things', 'one', 'k1', writeHello), cached('things', 'two', 'k1', writeHello)];
  for (const entry of [old, other]) utimesSync(entry, Date.now() / 1000 - 8 * day, Date.now() / 1000 - 8 * day);
  cached('things', 'one', 'k2', writeHello);
  t.false(existsSync(old));
  t.true(existsSync(other));
});

test.serial('the folder follows TSRUN_CACHE, then XDG_CACHE_HOME', (t) => {
  t.is(cacheFolder(), t.context);
  delete process.env.TSRUN_CACHE;
  process.env.XDG_CACHE_HOME = '/somewhere';
  t.is(cacheFolder(), '/somewhere/tsrun');
  delete process.env.XDG_CACHE_HOME;
  t.regex(cacheFolder(), /\/\.cache\/tsrun$/);
});

test('a key tells inputs apart, not only their concatenation', (t) => {
  t.not(recipeKey('ab', 'c'), recipeKey('a', 'bc'));
  t.is(recipeKey('a', Buffer.from('b')), recipeKey('a', 'b'));
});
