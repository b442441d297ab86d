/** Fields of a record's config.json, which is read again only by commands that need all of it. */

/** Undefined where it is not there, or what should hold it is no object. */
export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined;
}

/** The first process is alone the first of its pid namespace: nothing else lives on when it ends. */
export function ownsPids(spec: unknown): boolean {
  return namespacesIn(fieldOf(spec, 'linux')).some((each) => fieldOf(each, 'type') === 'pid' && (fieldOf(each, 'path') ?? '') === '');
}

/** A user namespace, new or joined: who makes or enters one holds all capabilities in it (user_namespaces(7)). */
export function hasUserNamespace(linux: unknown): boolean {
  return namespacesIn(linux).some((each) => fieldOf(each, 'type') === 'user');
}

function namespacesIn(linux: unknown): readonly unknown[] {
  const namespaces = fieldOf(linux, 'namespaces');
  return Array.isArray(namespaces) ? namespaces : [];
}
