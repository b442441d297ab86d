import test from 'ava';
import { Turns } from '../../../src/container/archiver/turns.js';

test('who asks for a turn together with others has one to itself', async (t) => {
  let turn = 0;
  let ticks = setImmediate(function tick() {
    turn++;
    ticks = setImmediate(tick);
  });
  const turns = new Turns();
  const had = await Promise.all([1, 2, 3].map(async () => {
    await turns.next();
    return turn;
  }));
  clearImmediate(ticks);
  t.is(had[0], 0);
  t.is(new Set(had).size, 3, String(had));
});
