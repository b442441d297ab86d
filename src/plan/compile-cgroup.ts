/** The container's cgroup: made and limited before the clone, so that the first process is born inside its limits. */
import { baseFiles } from '../cgroup/base-files.js';
import { limitsToWrites, missingLimitError } from '../cgroup/limits.js';
import type { CgroupFacts } from '../host/facts.js';
import { TsrunError } from '../spec/errors.js';
import type { Compilation } from './compilation.js';
import { cgroupFolders } from './compile-kernel-files.js';
import type { Step } from './wire.generated.js';

/** Read after the last exit, for the result; those that this kernel has. */
const reports = ['memory.events', 'memory.peak', 'memory.swap.peak', 'cpu.stat', 'io.stat', 'pids.events', 'pids.peak'];
/** A tenth of the shortest window that needs no right (psi(5): multiples of two seconds). */
const trigger = 'some 200000 2000000';
const watched = ['memory.events', 'pids.events'];

/** The slot of the cgroup, or null when there is none to be born in. */
export function compileCgroup(compilation: Compilation): number | null {
  const { input, builder } = compilation;
  const { spec, extensions, host, cgroupPath } = input;
  const { writes, missing } = limitsToWrites(spec.linux?.resources ?? {}, host);
  const defaulted = new Set(extensions.defaultedLimits ?? []);
  for (const limit of missing) {
    if (!defaulted.has(limit.field)) throw missingLimitError(limit);
  }
  checkPressure(compilation);
  if (cgroupPath === undefined) {
    const [write] = writes.filter(({ field }) => !defaulted.has(field));
    if (write === undefined) return null;
    throw new TsrunError('ERR_TSRUN_LIMIT_UNAVAILABLE', `no cgroup can be made here, so ${write.file} cannot be set`, {
      field: write.field,
      hint: 'run in a delegated cgroup (systemd: Delegate=yes), or drop the limit; see tsrun doctor',
    });
  }
  const has = (file: string) => host.cgroup.files?.includes(file) ?? false;
  const slot = builder.slot();
  builder.add('default', input.cgroupIsThere === true ? { op: 'openCgroup', path: cgroupPath, into: slot } : makeCgroup(host.cgroup, cgroupPath, reports.filter(has), slot));
  for (const { file, value, field } of writes) builder.add(field, { op: 'writeCgroup', cgroup: slot, file, value });
  for (const file of watched.filter(has)) builder.add('default', { op: 'watchCgroup', cgroup: slot, file });
  for (const resource of extensions.pressure ?? []) builder.add('extensions.pressure', { op: 'watchPressure', cgroup: slot, file: `${resource}.pressure`, trigger });
  for (const name of cgroupFolders(compilation)) builder.add('extensions.kernelFiles', { op: 'makeCgroupFolder', cgroup: slot, name });
  return slot;
}

/** Anybody may remove the cgroup that all containers' lie in, as long as it is empty: it is made again as it was. */
function makeCgroup({ controllers }: CgroupFacts, path: string, has: readonly string[], into: number): Step {
  const parent = baseFiles(controllers);
  return { op: 'makeCgroup', path, parentFiles: parent.map(({ file }) => file), parentValues: parent.map(({ value }) => value), reports: has, into };
}

function checkPressure({ input: { extensions: { pressure = [] }, host, cgroupPath } }: Compilation): void {
  const lacking = pressure.find((resource) => cgroupPath === undefined || host.cgroup.files?.includes(`${resource}.pressure`) === false);
  if (lacking === undefined) return;
  const why = cgroupPath === undefined ? 'no cgroup can be made here' : 'this kernel does not count it by cgroup';
  throw new TsrunError('ERR_TSRUN_HOST', `nobody can tell of pressure on ${lacking}: ${why}`, { field: 'extensions.pressure', hint: 'leave pressure out; see tsrun doctor' });
}
