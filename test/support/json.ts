/** JSON that a program printed, as what it is not known to be yet. */

export type JsonMembers = Readonly<Record<string, unknown>>;

export function readObject(json: string): JsonMembers {
  return membersOf(JSON.parse(json));
}

/** An array of objects: the whole document, or one member of it. */
export function readObjects(json: string, member?: string): JsonMembers[] {
  const document: unknown = JSON.parse(json);
  const list = member === undefined ? document : membersOf(document)[member];
  if (!Array.isArray(list)) throw new Error(`${member ?? 'the document'} is not an array`);
  return list.map(membersOf);
}

export function membersOf(value: unknown): JsonMembers {
  if (typeof value !== 'object' || value === null) throw new Error('not an object');
  return { ...value };
}
