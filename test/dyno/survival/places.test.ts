import test from 'ava';
import { inheritors, placeOf, type SavedPlace } from '../../../src/dyno/survival/places.js';
import type { DynoPart, SavedDyno } from '../../../src/dyno/survival/saved-dyno.js';

const life: SavedDyno['life'] = { state: 'up', sinceMs: 0, doing: 'nothing', alive: true, isLaunched: true, then: 'policy', crashes: 0, upSinceMs: 0 };

test('a place is a dyno, with the suffix of its container', (t) => {
  const saved = { life };
  t.deepEqual(placeOf('web.1', () => saved), { type: 'web', number: 1, suffix: '', saved });
  t.deepEqual(placeOf('my-web.12-b', () => undefined), { type: 'my-web', number: 12, suffix: '-b', saved: undefined });
  for (const file of ['.dynos.web.1', 'web', 'web.1-c', 'web.1-b-b', 'web.x', '']) t.is(placeOf(file, () => saved), undefined, file);
});

/** `rising -b` is a dyno at its second place, which was to take the first one's. */
const at = (suffix: string, part?: DynoPart | 'unknown', type = 'web'): SavedPlace => ({ type, number: 1, suffix, saved: part === 'unknown' ? undefined : { life, ...(part !== undefined && { part }) } });
const shown = (places: readonly SavedPlace[]) => inheritors(places).map(({ heir, rising, leaving }) => [heir, rising, leaving].map((each) => (each === undefined ? '' : `${each.type}${each.suffix}`)).join(' '));

test('who has the place, who is to take it, and who is to go', (t) => {
  t.deepEqual(shown([at('')]), ['web  ']);
  t.deepEqual(shown([at(''), at('-b', 'rising')]), ['web web-b ']);
  t.deepEqual(shown([at('', 'leaving'), at('-b')]), ['web-b  web']);
  t.deepEqual(shown([at('', 'rising'), at('-b')]), ['web-b web ']);
  t.deepEqual(shown([at(''), at('', undefined, 'worker')]), ['web  ', 'worker  '], 'each type for itself');
});

test('where an owner was killed between two writes, who was to take the place has it', (t) => {
  t.deepEqual(shown([at('', 'leaving'), at('-b', 'rising')]), ['web-b  web']);
  t.deepEqual(shown([at('-b', 'rising')]), ['web-b  ']);
  t.deepEqual(shown([at('', 'leaving')]), ['web  ']);
  t.deepEqual(shown([at('', 'unknown')]), ['web  ']);
  t.deepEqual(shown([at('', 'unknown'), at('-b', 'rising')]), ['web-b  web']);
});
