/** What keys do: from one state of the view to the next. Functions of their arguments. */
import { sortKeys, type SortKey } from './sort-keys.js';

/** As `node:readline` tells of it. */
export interface Key {
  readonly name?: string | undefined;
  /** What was typed, where that is text. */
  readonly text?: string | undefined;
  readonly ctrl?: boolean | undefined;
}

export interface TopState {
  readonly sort: SortKey;
  readonly isReversed: boolean;
  readonly filter: string;
  /** Keys are letters of the filter. */
  readonly isTyping: boolean;
  /** The name of the row, and where it stood: who is gone leaves the selection to who stands there now. */
  readonly selected?: string | undefined;
  readonly at: number;
  /** The row that is shown alone. */
  readonly opened?: string | undefined;
}

export type Outcome = TopState | 'quit' | 'suspend' | 'redraw';

export const firstState: TopState = { sort: 'cpu', isReversed: false, filter: '', isTyping: false, at: 0 };

const longestFilter = 100;

/** @param names of the rows as they stand @param page rows on the screen */
export function press(state: TopState, key: Key, names: readonly string[], page: number): Outcome {
  if (key.ctrl === true) return control(state, key);
  if (state.opened !== undefined) return pressAlone(state, key, names);
  return move(state, key, names, page, state.isTyping) ?? (state.isTyping ? type(state, key) : command(state, key, names));
}

function control(state: TopState, { name }: Key): Outcome {
  return name === 'c' || name === 'd' ? 'quit' : name === 'z' ? 'suspend' : name === 'l' ? 'redraw' : state;
}

function pressAlone(state: TopState, key: Key, names: readonly string[]): Outcome {
  const word = wordOf(key);
  if (word === 'q') return 'quit';
  if (['escape', 'backspace', 'left', 'h'].includes(word)) return { ...state, opened: undefined };
  const moved = move(state, key, names, 1, false);
  return moved === undefined ? state : { ...moved, opened: moved.selected };
}

function command(state: TopState, key: Key, names: readonly string[]): Outcome {
  switch (wordOf(key)) {
    case 'q':
      return 'quit';
    case 'return':
    case 'enter':
    case 'right':
    case 'l':
    case 'o':
      return { ...state, opened: names[selectedIndex(state, names)] };
    case 's':
    case '>':
      return sortBy(state, 1);
    case 'S':
    case '<':
      return sortBy(state, -1);
    case 'r':
      return { ...state, isReversed: !state.isReversed };
    case '/':
    case 'f':
      return { ...state, isTyping: true };
    case 'escape':
      return { ...state, filter: '' };
    default:
      return state;
  }
}

function sortBy(state: TopState, step: number): TopState {
  const at = sortKeys.indexOf(state.sort) + step + sortKeys.length;
  return { ...state, sort: sortKeys[at % sortKeys.length] ?? state.sort, isReversed: false };
}

function type(state: TopState, key: Key): TopState {
  const { filter } = state;
  if (key.name === 'escape') return { ...state, filter: '', isTyping: false };
  if (key.name === 'return' || key.name === 'enter') return { ...state, isTyping: false };
  if (key.name === 'backspace') return { ...state, filter: Array.from(filter).slice(0, -1).join('') };
  const { text = '' } = key;
  return /^[^\p{C}]+$/u.test(text) ? { ...state, filter: (filter + text).slice(0, longestFilter) } : state;
}

/** Undefined for a key that does not move. */
function move(state: TopState, key: Key, names: readonly string[], page: number, isTyping: boolean): TopState | undefined {
  const at = selectedIndex(state, names);
  const last = names.length - 1;
  const word = isTyping ? (key.name?.length === 1 ? '' : (key.name ?? '')) : wordOf(key);
  const targets: Readonly<Record<string, number>> = { up: at - 1, k: at - 1, down: at + 1, j: at + 1, pageup: at - page, pagedown: at + page, home: 0, g: 0, end: last, G: last };
  const target = Object.hasOwn(targets, word) ? targets[word] : undefined;
  if (target === undefined) return undefined;
  const next = Math.max(0, Math.min(last, target));
  return { ...state, at: next, selected: names[next] };
}

/** A letter as it was typed, with its case; other keys by name. */
function wordOf({ name, text }: Key): string {
  return text?.length === 1 && text > ' ' && text < '\x7f' ? text : (name ?? '');
}

export function selectedIndex({ selected, at }: TopState, names: readonly string[]): number {
  const found = selected === undefined ? -1 : names.indexOf(selected);
  return found >= 0 ? found : Math.max(0, Math.min(at, names.length - 1));
}
