import test from 'ava';
import { firstState, press, selectedIndex, type Key, type Outcome, type TopState } from '../../../src/cli/top/keys.js';

const names = ['a', 'b', 'c', 'd', 'e'];
const letter = (text: string): Key => ({ name: text.toLowerCase(), text });
const named = (name: string): Key => ({ name });

/** All of them, one after the other. */
function type(keys: readonly Key[], from: Partial<TopState> = {}): Outcome {
  return keys.reduce<Outcome>((state, key) => (typeof state === 'string' ? state : press(state, key, names, 2)), { ...firstState, ...from });
}

function state(keys: readonly Key[], from: Partial<TopState> = {}): TopState {
  const outcome = type(keys, from);
  if (typeof outcome === 'string') throw new Error(outcome);
  return outcome;
}

test('arrows, j and k, pages and ends move the selection, and not beyond the rows', (t) => {
  const at = (...keys: readonly Key[]) => state(keys).selected;
  t.is(at(named('down')), 'b');
  t.is(at(letter('j'), letter('j'), letter('k')), 'b');
  t.is(at(named('up')), 'a');
  t.is(at(named('pagedown'), named('pagedown')), 'e');
  t.is(at(named('end'), named('down')), 'e');
  t.is(at(letter('G'), letter('g')), 'a');
  t.is(at(letter('G'), named('pageup')), 'c');
  t.is(selectedIndex(state([named('down')]), ['b', 'a']), 0, 'it goes with the row');
  t.is(selectedIndex({ ...firstState, at: 3 }, []), 0);
});

test('enter opens the one that is selected, escape goes back; there arrows take the others', (t) => {
  t.is(state([named('down'), named('return')]).opened, 'b');
  for (const key of [named('escape'), named('backspace'), named('left')]) t.is(state([named('return'), key]).opened, undefined);
  t.is(state([named('return'), named('down'), named('down')]).opened, 'c');
  t.is(state([named('return'), letter('s')]).sort, 'cpu', 'it sorts nothing there');
  t.is(press(firstState, named('return'), [], 2) === 'quit', false);
});

test('s and S go through the columns, r turns them round', (t) => {
  t.is(state([letter('s')]).sort, 'memory');
  t.is(state([letter('S'), letter('S')]).sort, 'name');
  t.is(state([letter('S'), letter('S'), letter('S')]).sort, 'throttled');
  t.true(state([letter('r')]).isReversed);
  t.false(state([letter('r'), letter('s')]).isReversed, 'another column begins with its own way');
});

test('what is typed after / is the filter, until enter; escape takes it back', (t) => {
  t.like(state([letter('/'), letter('w'), letter('q'), letter('S'), { name: 'space', text: ' ' }]), { filter: 'wqS ', isTyping: true });
  t.like(state([letter('/'), letter('w'), named('return')]), { filter: 'w', isTyping: false });
  t.like(state([letter('/'), letter('w'), letter('é'), named('backspace')]), { filter: 'w' });
  t.like(state([letter('/'), letter('w'), named('escape')]), { filter: '', isTyping: false });
  t.like(state([named('escape')], { filter: 'w' }), { filter: '' });
  t.like(state([letter('/'), { text: '\u001b[200~' }, { text: '\u0000' }]), { filter: '' });
  t.is(state([letter('/'), ...Array.from({ length: 200 }, () => letter('x'))]).filter.length, 100);
  t.is(state([letter('/'), named('down')]).selected, 'b');
});

test('q quits, but not the filter; ctrl-c quits from everywhere', (t) => {
  t.is(type([letter('q')]), 'quit');
  t.is(type([named('return'), letter('q')]), 'quit');
  for (const before of [[], [letter('/')], [named('return')]]) t.is(type([...before, { name: 'c', ctrl: true }]), 'quit');
  t.is(type([{ name: 'z', ctrl: true }]), 'suspend');
  t.is(type([{ name: 'l', ctrl: true }]), 'redraw');
  t.deepEqual(state([{ name: 'x', ctrl: true }, letter('y')]), firstState);
});
