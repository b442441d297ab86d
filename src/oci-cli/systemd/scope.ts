/**
 * A container in a transient scope, as runc has it. systemd makes the cgroup of a scope for processes that are there, and removes it with the last
 * of them; so a process that does nothing is its first, until the container is born into the cgroup beside it.
 */
import type { HostFacts } from '../../host/facts.js';
import { joinCgroup, ownCgroup } from '../../host/probe-cgroup.js';
import { systemReader } from '../../host/reader.js';
import type { Resources, Spec } from '../../spec/types.js';
import { systemdSubgroup } from '../annotations.js';
import { CgroupTaken, type CgroupPlace } from '../cgroup-place.js';
import { factsWithin, prepareParent } from '../cgroup-path.js';
import { moveBelow } from '../inner-cgroup.js';
import { isOfOrdinaryUser } from '../launcher-ids.js';
import { writeFileSync } from '../platform/fs.js';
import { host } from '../platform/host.js';
import { RuntimeError } from '../runtime-error.js';
import type { BusValue } from './dbus-values.js';
import { openManager } from './open-manager.js';
import { propertiesOfAnnotations } from './unit-annotations.js';
import { isUnitThere, type UnitManager, type UnitProperty } from './unit-manager.js';
import { slicePath, unitNameOf, type UnitName } from './unit-name.js';
import { infinity, unitProperties, withWholePercents } from './unit-properties.js';

/** @throws RuntimeError where systemd does not run, or something is asked for that no unit has */
export function placeOf(given: Spec, id: string, facts: HostFacts): CgroupPlace {
  if (facts.cgroup.root === '') throw new RuntimeError('systemd cgroups manager: cgroup v2 is not mounted here');
  const resources = withWholePercents(given.linux?.resources ?? {});
  const name = unitNameOf(given.linux?.cgroupsPath ?? '', id, isOfOrdinaryUser());
  const asked = propertiesOfAnnotations(given.annotations ?? {});
  const manager = openManager();
  const group = manager.controlGroup;
  if (isOfOrdinaryUser()) checkWithin(group);
  const path = `${group}${slicePath(name.slice)}/${name.unit}`;
  const scope = joinCgroup(facts.cgroup.root, path);
  const subgroup = systemdSubgroup(given);
  const cgroups = subgroup === undefined ? [scope] : [scope, `${scope}/${subgroup}`];
  const cgroup = cgroups.at(-1) ?? scope;
  const limits = unitProperties(resources, facts, manager.version);
  return {
    cgroup,
    unit: name.unit,
    during: (launch) => {
      const launched = beside((holder) => {
        start(manager, name, [...ownProperties(name, id, holder), ...asked, ...limits]);
        const parent = prepareParent(path, facts);
        if (subgroup !== undefined) makeSubgroup(scope, subgroup, holder, limits);
        const there = factsWithin(cgroup, parent);
        return launch({ ...given, linux: { ...given.linux, resources: withRoom(resources, limits) } }, there);
      });
      const [tasksMax] = tasksMaxOf(limits);
      if (tasksMax !== undefined) for (const each of cgroups) writeFileSync(`${each}/pids.max`, String(tasksMax));
      return launched;
    },
  };
}

/** To be born into a cgroup takes the right to move there: nobody but root moves out of where it was put (cgroups(7), "Delegation containment"). */
function checkWithin(group: string): void {
  const own = ownCgroup(systemReader.read('/proc/self/cgroup') ?? '') ?? '/';
  if (!own.startsWith(`${group}/`)) throw new RuntimeError(`this process is in the cgroup ${own}, which is none of the user's systemd's (${group}), and cannot have others born there: begin with systemd-run --user --scope`);
}

/** With a process of which nothing is left after that. */
function beside<T>(work: (pid: number) => T): T {
  const { pid, fd } = host.startHolder();
  try {
    return work(pid);
  } finally {
    host.close(fd);
    host.waitFor(pid);
  }
}

/** The scope keeps its own limits, those that are its properties. */
function makeSubgroup(scope: string, name: string, holder: number, limits: readonly UnitProperty[]): void {
  moveBelow(scope, name, holder);
  const [tasksMax] = tasksMaxOf(limits);
  if (tasksMax !== undefined) writeFileSync(`${scope}/pids.max`, String(tasksMax + 1n));
}

function start(manager: UnitManager, { unit }: UnitName, properties: readonly UnitProperty[]): void {
  try {
    manager.start(unit, properties);
  } catch (error) {
    if (isUnitThere(error)) throw new CgroupTaken(`systemd has a unit ${unit} already: it is another container's, or was not removed`);
    throw error;
  }
}

function ownProperties({ slice }: UnitName, id: string, holder: number): UnitProperty[] {
  const property = (name: string, signature: string, value: BusValue): UnitProperty => ({ name, value: { signature, value } });
  return [
    property('Description', 's', `tsrun container ${id}`),
    property('Slice', 's', slice),
    property('PIDs', 'au', [holder]),
    property('Delegate', 'b', true),
    // Else it would end before the units that it serves, when the host is shut down.
    property('DefaultDependencies', 'b', false),
    ...['CPU', 'IO', 'Memory', 'Tasks'].map((each) => property(`${each}Accounting`, 'b', true)),
  ];
}

/** The holder counts as one of them until the container is there. */
function withRoom(resources: Resources, limits: readonly UnitProperty[]): Resources {
  const [tasksMax] = tasksMaxOf(limits);
  if (tasksMax === undefined) return resources;
  const more = Number(tasksMax) + 1;
  const { unified } = resources;
  return unified?.['pids.max'] === undefined ? { ...resources, pids: { limit: more } } : { ...resources, unified: { ...unified, 'pids.max': String(more) } };
}

function tasksMaxOf(limits: readonly UnitProperty[]): bigint[] {
  return limits.flatMap(({ name, value: { value } }) => (name === 'TasksMax' && typeof value === 'bigint' && value !== infinity ? [value] : []));
}
