import { appendFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { DynoEvent, DynoNews } from '../../../src/dyno/events.js';
import { EventLog } from '../../../src/dyno/log/event-log.js';
import { EventJournal } from '../../../src/dyno/survival/event-journal.js';
import { TsrunError } from '../../../src/spec/errors.js';
import { scratchFolder } from '../survival/scratch-folder.js';

const news = (dyno: string): DynoNews => ({ type: 'state', dyno, timeMs: 1, from: 'starting', to: 'up' });

/** What has been told by now, and its end. */
async function all(events: AsyncIterable<DynoEvent>): Promise<DynoEvent[]> {
  const found: DynoEvent[] = [];
  for await (const event of events) found.push(event);
  return found;
}

const shown = (events: readonly DynoEvent[]) => events.map(({ type, dyno, sequence }) => `${sequence} ${type === 'state' ? dyno : type}`);

test('events are counted; who says what he knows is told what came after it, each once', async (t) => {
  const log = new EventLog();
  const first = log.read({});
  for (const dyno of ['a', 'b', 'c']) log.tell(news(dyno));
  const [second, third, fourth] = [log.read({ after: 1 }), log.read({ after: 3 }), log.read({})];
  log.tell(news('d'));
  log.end();
  t.deepEqual(shown(await all(first)), ['1 a', '2 b', '3 c', '4 d']);
  t.deepEqual(shown(await all(second)), ['2 b', '3 c', '4 d']);
  t.deepEqual(shown(await all(third)), ['4 d']);
  t.deepEqual(shown(await all(fourth)), ['4 d']);
  t.deepEqual(shown(await all(log.read({ after: 2 }))), ['3 c', '4 d'], 'also when nothing more is to come');
  t.deepEqual(await all(log.read({ after: 2, signal: AbortSignal.abort() })), []);
});

test('a number that no event has had is refused', (t) => {
  const log = new EventLog();
  log.tell(news('a'));
  for (const after of [2, -1, 0.5, Number.NaN]) t.throws(() => log.read({ after }), { instanceOf: TsrunError, message: /the last one was 1$/ });
});

test('the last thousand are kept; how many are missing is said in their place', async (t) => {
  const log = new EventLog();
  for (let count = 0; count < 3500; count++) log.tell(news('web.1'));
  log.end();
  const [missed, ...others] = await all(log.read({ after: 100 }));
  t.like(missed, { type: 'missed', events: 2400, sequence: 2500 });
  t.deepEqual(others.map(({ sequence }) => sequence), Array.from({ length: 1000 }, (_, index) => 2501 + index));
});

test('a sample does not come again, and moves nothing', async (t) => {
  const log = new EventLog();
  const live = log.read({});
  log.tell(news('a'));
  log.tell({ type: 'sample', dyno: 'a', timeMs: 2, sample: { load1: 0, load5: 0, load15: 0 } });
  log.tell(news('b'));
  log.end();
  t.deepEqual(shown(await all(live)), ['1 a', '1 sample', '2 b']);
  t.deepEqual(shown(await all(log.read({ after: 0 }))), ['1 a', '2 b']);
});

test('the next owner counts on, has what there was, and what was written half is as if it had not been', async (t) => {
  const place = scratchFolder(t);
  const log = new EventLog(new EventJournal(place));
  log.tell(news('a'));
  const error = new TsrunError('ERR_TSRUN_HOST', 'no room', { hint: 'make some' });
  log.tell({ type: 'ended', dyno: 'a', timeMs: 2, death: { cause: 'failed', code: 125, oomKills: 0, error } });
  appendFileSync(join(place.path, 'events'), 'nonsense\n{"type":"state"}\n{"type":"state","dyno":"a","timeMs":3,"seq');
  const next = new EventLog(new EventJournal(place));
  next.tell(news('b'));
  next.end();
  next.tell(news('too late'));
  const found = await all(next.read({ after: 0 }));
  t.deepEqual(shown(found), ['1 a', '2 ended', '3 b']);
  const [, ended] = found;
  t.like(ended?.type === 'ended' ? ended.death.error : undefined, { code: 'ERR_TSRUN_HOST', message: 'no room', hint: 'make some' });
  t.deepEqual(shown(new EventJournal(place).past.slice()), ['1 a', '2 ended', '3 b']);
});

test('what is written does not grow for ever', (t) => {
  const place = scratchFolder(t);
  const log = new EventLog(new EventJournal(place));
  for (let count = 0; count < 2500; count++) log.tell(news('web.1'));
  t.true(statSync(join(place.path, 'events')).size < 2000 * 100);
  t.deepEqual([new EventJournal(place).past.length, new EventJournal(place).past.at(-1)?.sequence], [1000, 2500]);
});
