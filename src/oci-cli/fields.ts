/** Fields of a record's config.json, which is read again only by commands that need all of it. */

/** Undefined where it is not there, or what should hold it is no object. */
export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined;
}

/** The first process is alone the first of its pid namespace: nothing else lives on when it ends. */
export function ownsPids(spec: unknown): boolean {
  const namespaces = fieldOf(fieldOf(spec, 'linux'), 'namespaces');
  return Array.isArray(namespaces) && namespaces.some((each) => fieldOf(each, 'type') === 'pid' && (fieldOf(each, 'path') ?? '') === '');
}
