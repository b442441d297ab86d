/** Which unit a container gets, and where systemd puts its cgroup. */
import { RuntimeError } from '../runtime-error.js';

export interface UnitName {
  /** `docker-1234.scope` */
  readonly unit: string;
  /** `system.slice` */
  readonly slice: string;
}

const longestName = 255;

/** `slice:prefix:name`, as engines write cgroupsPath for systemd; without one, where runc puts a container of that id. */
export function unitNameOf(cgroupsPath: string, id: string, isUser: boolean): UnitName {
  const parts = cgroupsPath === '' ? ['', 'tsrun', id] : cgroupsPath.split(':');
  const [given = '', prefix = '', name = ''] = parts;
  if (parts.length !== 3) throw new RuntimeError(`expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got ${JSON.stringify(cgroupsPath)} instead`);
  const slice = given === '' ? (isUser ? 'user.slice' : 'system.slice') : given;
  slicePath(slice);
  if (name.endsWith('.slice')) throw new RuntimeError(`cgroupsPath: ${JSON.stringify(name)} is a slice, which holds no processes`);
  const unit = `${prefix}-${name}.scope`;
  if (name === '' || unit.length > longestName || !/^[A-Za-z0-9:_.\\@-]+$/.test(unit)) throw new RuntimeError(`${JSON.stringify(unit)} is no name of a systemd unit: give cgroupsPath as slice:prefix:name of letters, digits and :_.\\@-`);
  return { unit, slice };
}

/** Slices lie in each other by their names: `a-b.slice` in `a.slice` (systemd.slice(5)). The root's is empty. */
export function slicePath(slice: string): string {
  if (slice === '-.slice') return '';
  const stem = /^([A-Za-z0-9:_.\\@]+(?:-[A-Za-z0-9:_.\\@]+)*)\.slice$/.exec(slice)?.[1];
  if (stem === undefined) throw new RuntimeError(`invalid slice name: ${JSON.stringify(slice)}`);
  const parts = stem.split('-');
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('-')}.slice`).join('');
}
