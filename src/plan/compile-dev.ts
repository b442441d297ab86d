/**
 * /dev: always a tmpfs of the container's own. The launcher makes it, since device nodes work only on a file system of
 * the initial user namespace.
 */
import { TsrunError } from '../spec/errors.js';
import { normalPath } from '../spec/inner-path.js';
import type { Device, Mount } from '../spec/types.js';
import type { Compilation } from './compilation.js';
import { hostId, idMapsOf } from './compile-root.js';
import { checkHostNode } from './host-node.js';
import { renew } from './renew-mount.js';
import { mountAttributes, readMountOptions } from './mount-options.js';

interface Node {
  readonly name: string;
  readonly type: number;
  readonly mode: number;
  readonly major: number;
  readonly minor: number;
  readonly uid: number;
  readonly gid: number;
  readonly field: string;
}

const characterDevice = 0o020000;
const blockDevice = 0o060000;
const fifo = 0o010000;

/** Name, major and minor number of the character devices that every container has. */
export const standardNodes: readonly (readonly [string, number, number])[] = [
  ['null', 1, 3],
  ['zero', 1, 5],
  ['full', 1, 7],
  ['random', 1, 8],
  ['urandom', 1, 9],
  ['tty', 5, 0],
];

const links: readonly (readonly [string, string])[] = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
  ['core', '/proc/kcore'],
  ['ptmx', 'pts/ptmx'],
];

/** Its nodes are to be opened, and they, like what is mounted below it, have yet to be made: `MountPlan.finish` makes it read-only. */
const notYet = mountAttributes.nodev | mountAttributes.readonly;

export function compileDev(compilation: Compilation, mount: Mount, field: string): () => void {
  const { input, builder } = compilation;
  const { uidMappings, gidMappings } = idMapsOf(compilation) ?? {};
  const { own, recursive, data } = readMountOptions(mount.options ?? ['nosuid', 'noexec', 'mode=755', 'size=65536k']);
  const slot = builder.slot();
  const owner = [`uid=${hostId(uidMappings, 0)}`, `gid=${hostId(gidMappings, 0)}`];
  builder.add(field, { op: 'makeTmpfs', options: [...data, ...owner], attributes: (own.set | recursive.set) & ~notYet, into: slot });
  const linkNames = new Set(links.map(([name]) => name));
  // Of a privileged container an engine names all of the host's devices: in the place of its terminals' multiplexer stands the container's own.
  const nodesHere = nodes(input.spec.linux?.devices ?? [], input.host.uid).filter(({ name }) => !linkNames.has(name));
  const attachNodes = input.host.uid === 0 ? makeNodes(compilation, nodesHere, slot) : bindNodes(compilation, nodesHere);
  for (const [name, target] of links) builder.add('default', { op: 'makeLink', mount: slot, name, target });
  return () => {
    renew(compilation, slot, field);
    builder.add(field, { op: 'attachMount', mount: slot, target: '/dev', follow: false, onLink: false });
    attachNodes();
  };
}

const devFolder = '/dev/';

/** An ordinary user's nodes are the host's own, which are below /dev. */
function isElsewhere({ path }: Device, uid: number, field: string): boolean {
  const elsewhere = !normalPath(path).startsWith(devFolder);
  if (elsewhere && uid !== 0) throw new TsrunError('ERR_TSRUN_UNSUPPORTED', `the device '${path}' is not below /dev`, { field: `${field}/path`, hint: 'give it a path below /dev' });
  return elsewhere;
}

/** Devices whose paths are not below /dev (config-linux.md): nodes on a file system of their own, since no other may have any. Gives what is to be done in the container. */
export function compileNodesElsewhere(compilation: Compilation): () => void {
  const { input: { spec, host }, builder } = compilation;
  const asked = (spec.linux?.devices ?? []).flatMap((device, index) => (isElsewhere(device, host.uid, devicePointer(index)) ? [node(device, devicePointer(index))] : []));
  if (asked.length === 0) return () => undefined;
  const field = '/linux/devices';
  const slot = builder.slot();
  builder.add(field, { op: 'makeTmpfs', options: ['mode=0755', 'size=64k'], attributes: mountAttributes.nosuid | mountAttributes.noexec, into: slot });
  makeNodes(compilation, asked.map((each, index) => ({ ...each, name: String(index) })), slot);
  return () => {
    builder.add(field, { op: 'attachNodes', mount: slot, targets: asked.map(({ name }) => name) });
  };
}

function makeNodes(compilation: Compilation, nodes: readonly Node[], slot: number): () => void {
  const { builder } = compilation;
  const { uidMappings, gidMappings } = idMapsOf(compilation) ?? {};
  const folders = new Set<string>();
  for (const node of nodes) {
    const [uid, gid] = [hostId(uidMappings, node.uid), hostId(gidMappings, node.gid)];
    for (const folder of parents(node.name)) {
      if (folders.has(folder)) continue;
      folders.add(folder);
      builder.add(node.field, { op: 'makeFolder', mount: slot, name: folder, mode: 0o755, uid: hostId(uidMappings, 0), gid: hostId(gidMappings, 0), mark: '' });
    }
    const { name, major, minor, field: nodeField } = node;
    builder.add(nodeField, { op: 'makeNode', mount: slot, name, mode: node.type | node.mode, major, minor, uid, gid });
  }
  return () => undefined;
}

/** An ordinary user may make no device nodes, but may bind those of the host that it could open itself. */
function bindNodes({ builder, input: { spec, hostNodes } }: Compilation, nodes: readonly Node[]): () => void {
  for (const [index, device] of (spec.linux?.devices ?? []).entries()) checkHostNode(device, hostNodes?.get(normalPath(device.path)), devicePointer(index));
  const bound = nodes.map(({ name, field }) => {
    const into = builder.slot();
    builder.add(field, { op: 'openTree', path: `/dev/${name}`, recursive: false, follow: true, into });
    return { name, field, into };
  });
  return () => {
    for (const { name, field, into } of bound) {
      builder.add(field, { op: 'attachMount', mount: into, target: `/dev/${name}`, follow: false, onLink: false });
    }
  };
}

function devicePointer(index: number): string {
  return `/linux/devices/${index}`;
}

function nodes(devices: readonly Device[], uid: number): Node[] {
  const asked = devices.flatMap((device, index) => (isElsewhere(device, uid, devicePointer(index)) ? [] : [node(device, devicePointer(index))]));
  const names = new Set(asked.map(({ name }) => name));
  const standard = standardNodes
    .filter(([name]) => !names.has(name))
    .map(([name, major, minor]) => ({ name, type: characterDevice, mode: 0o666, major, minor, uid: 0, gid: 0, field: 'default' }));
  return [...standard, ...asked];
}

function node({ path: written, type, major = 0, minor = 0, fileMode = 0o666, uid = 0, gid = 0 }: Device, field: string): Node {
  const path = normalPath(written);
  const kind = { c: characterDevice, u: characterDevice, b: blockDevice, p: fifo }[type];
  return { name: path.startsWith(devFolder) ? path.slice(devFolder.length) : path, type: kind, mode: fileMode & 0o777, major, minor, uid, gid, field };
}

function parents(name: string): string[] {
  const parts = name.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}
