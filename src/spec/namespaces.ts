/** Namespaces of a spec (config-linux.md, "Namespaces"). Engines written in Go write "" for a path that is not there. */
import type { Linux, Namespace, NamespaceType } from './types.js';

/** Of one that is joined; undefined for one to be made. */
export function joinedPath({ path = '' }: Namespace): string | undefined {
  return path === '' ? undefined : path;
}

/** Whether one of the type is to be made. */
export function makesNamespace({ namespaces = [] }: Pick<Linux, 'namespaces'> = {}, type: NamespaceType): boolean {
  return namespaces.some((each) => each.type === type && joinedPath(each) === undefined);
}
