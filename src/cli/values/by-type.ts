/** A value for process types that are named, and one for all others: `web=main,all`. */
import { ValueError, type ValueContext, type ValueType } from './value-type.js';

export interface ByType<T> {
  /** Of those that are not named. */
  readonly all?: T;
  readonly types: Readonly<Record<string, T>>;
}

export function byType<T>(element: ValueType<T>): ValueType<ByType<T>> {
  return {
    kind: 'string',
    placeholder: `[TYPE=]${element.placeholder},…`,
    completion: element.completion,
    parse: (text, context) => parse(element, text, context),
  };
}

function parse<T>(element: ValueType<T>, text: string, context: ValueContext): ByType<T> {
  let all: { readonly value: T } | undefined;
  const types = new Map<string, T>();
  for (const word of text.split(',')) {
    const [, type, rest = ''] = /^(?:([\w-]{1,63})=)?(.*)$/s.exec(word) ?? [];
    const value = element.parse(rest, context);
    if (type === undefined ? all !== undefined : types.has(type)) throw new ValueError(type === undefined ? 'two values for all types' : `two values for the type "${type}"`, 'name a type with the one or the other');
    if (type === undefined) all = { value };
    else types.set(type, value);
  }
  return { ...(all !== undefined && { all: all.value }), types: Object.fromEntries(types) };
}
