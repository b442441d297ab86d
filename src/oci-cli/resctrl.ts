/** `linux.intelRdt` (config-linux.md, "Intel RDT"): a group of resctrl that the container's processes are in. */
import { systemReader } from '../host/reader.js';
import { hasSchemata, linesOfSame, schemataLines } from '../spec/resctrl.js';
import type { IntelRdt } from '../spec/types.js';
import { asNode, existsSync, mkdirSync, writeFileSync } from './platform/fs.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';

export interface ResctrlGroup {
  readonly path: string;
  /** Folders that go with the container. */
  readonly made: readonly string[];
}

/** Which group, and what of it has to be made; nothing is made yet. @throws RuntimeError where there is no resctrl, or what is there is another */
export function resctrlGroupOf(rdt: IntelRdt, id: string): ResctrlGroup {
  const root = mountPoint();
  const { closID = '', enableMonitoring = false } = rdt;
  const path = closID === '/' ? root : `${root}/${closID === '' ? id : closID}`;
  if (closID !== '' && existsSync(path)) checkGroup(path, rdt);
  else if (closID !== '' && schemataLines(rdt).length === 0) throw new RuntimeError(`intelRdt: ${path} does not exist, and no schema is given to make it`);
  const monitoring = enableMonitoring ? [`${path}/mon_groups/${id}`] : [];
  return { path, made: [...monitoring, ...(closID === '' ? [path] : [])] };
}

export function joinResctrlGroup({ path, made }: ResctrlGroup, rdt: IntelRdt, pid: number): void {
  const monitoring = made.filter((folder) => folder !== path);
  mkdirSync(path, { recursive: true });
  for (const line of schemataLines(rdt)) writeFileSync(`${path}/schemata`, `${line}\n`);
  for (const folder of monitoring) mkdirSync(folder);
  for (const folder of [path, ...monitoring]) writeFileSync(`${folder}/tasks`, String(pid));
}

/** New lines of a live container's group; gives what puts the former ones back. @throws RuntimeError for a container without a group */
export function changeSchemata(group: ResctrlGroup | undefined, lines: readonly string[]): () => void {
  if (lines.length === 0) return () => undefined;
  if (group === undefined) throw new RuntimeError('updating a non-existent Intel RDT configuration is not supported');
  const file = `${group.path}/schemata`;
  const former = linesOfSame(systemReader.read(file) ?? '', lines);
  const write = (line: string) => { writeFileSync(file, `${line}\n`); };
  const undo = () => { for (const line of former) write(line); };
  try {
    for (const line of lines) write(line);
  } catch (error) {
    undo();
    throw error;
  }
  return undo;
}

export function removeResctrlGroup({ made }: ResctrlGroup): void {
  for (const folder of made.filter((each) => existsSync(each))) {
    asNode(folder, () => {
      host.removeFolder(folder);
    });
  }
}

function checkGroup(path: string, rdt: IntelRdt): void {
  const asked = [rdt.l3CacheSchema, rdt.memBwSchema].filter((line): line is string => line !== undefined && line !== '');
  if (!hasSchemata(systemReader.read(`${path}/schemata`) ?? '', asked)) throw new RuntimeError(`intelRdt: ${path} is there with other schemata than those that are asked for`);
}

function mountPoint(): string {
  const line = (systemReader.read('/proc/self/mounts') ?? '').split('\n').find((each) => each.split(' ')[2] === 'resctrl');
  const path = line?.split(' ')[1];
  if (path === undefined) throw new RuntimeError('intelRdt: no resctrl file system is mounted');
  return path;
}
