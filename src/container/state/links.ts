/**
 * Interfaces on the host that containers have, noted in the state root before they are made: one entry each, under its name. An entry is
 * a symbolic link that leads nowhere, since the kernel makes one whole or not at all.
 */
import { mkdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Link } from '../../network/bridge.js';
import { errnoName } from '../../spec/errno.js';
import { namesIn } from './names-in.js';
import type { ContainerRecord } from './record.js';
import type { StateRoot } from './state-root.js';

/** The container that a link was made for. */
export type Holder = Pick<ContainerRecord, 'id' | 'createdAtMs'>;

/** False where that name is noted already. */
export function noteLink({ linksPath }: StateRoot, { name, token }: Link, { id, createdAtMs }: Holder): boolean {
  mkdirSync(linksPath, { recursive: true, mode: 0o700 });
  try {
    symlinkSync(`${token} ${ownNetwork()} ${createdAtMs} ${id}`, join(linksPath, name));
    return true;
  } catch (error) {
    if (errnoName(error) === 'EEXIST') return false;
    throw error;
  }
}

export function forgetLink({ linksPath }: StateRoot, { name }: Pick<Link, 'name'>): void {
  rmSync(join(linksPath, name), { force: true });
}

/** `net:[4026531840]` (namespaces(7)): that of this process, which the interfaces are in that it makes. */
function ownNetwork(): string {
  return readlinkSync('/proc/self/ns/net');
}

/** Removes those of containers that are over, with all that was made for them. What lies in another network namespace is for who is there. */
export async function releaseLinks(root: StateRoot, isOver: (holder: Holder) => boolean): Promise<void> {
  const noted = namesIn(root.linksPath);
  if (noted.length === 0) return;
  const own = ownNetwork();
  // Versions before this one noted none.
  const links = noted.flatMap((name) => readLink(root, name) ?? []).filter(({ network = own, holder }) => network === own && isOver(holder));
  if (links.length === 0) return;
  const { removeLinks } = await import('../../network/bridge.js');
  await removeLinks(links);
  for (const link of links) forgetLink(root, link);
}

/** Those of one container, when nothing is on its way for it any more. */
export async function releaseLinksOf(root: StateRoot, { id, createdAtMs }: Holder, attending: Promise<void> = Promise.resolve()): Promise<void> {
  await attending;
  await releaseLinks(root, (holder) => holder.id === id && holder.createdAtMs === createdAtMs);
}

/** Undefined for what was not written here, or is gone. */
function readLink({ linksPath }: StateRoot, name: string): (Link & { readonly holder: Holder; readonly network: string | undefined }) | undefined {
  let text = '';
  try {
    text = readlinkSync(join(linksPath, name));
  } catch {
    return undefined;
  }
  const [, token, network, createdAtMs, id] = /^([0-9a-f:-]{17,36})(?: (net:\[\d+\]))? (\d{1,16}) (\S+)$/.exec(text) ?? [];
  if (token === undefined || id === undefined || !/^tsrun[0-9a-f]{8}$/.test(name)) return undefined;
  return { name, token, network, holder: { id, createdAtMs: Number(createdAtMs) } };
}
