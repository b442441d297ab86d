/** New limits and device rules for a live container: all of them, or none. */
import { changeLimits, type Access, type LimitWork } from '../cgroup/change-limits.js';
import { completeResources } from '../cgroup/complete-resources.js';
import { deviceProgram } from '../cgroup/device-program.js';
import { devicePolicy, policyWords } from '../cgroup/device-rules.js';
import type { HostFacts } from '../host/facts.js';
import { systemReader } from '../host/reader.js';
import type { DeviceRule, Resources } from '../spec/types.js';
import { readStoredSpec } from './read-spec.js';
import { factsWithin } from './cgroup-path.js';
import { asNode, constants, readFileSync, writeFileSync } from './platform/fs.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';
import type { ContainerRecord } from './state.js';
import { hostFacts } from './surroundings.js';
import { systemd } from './systemd-module.js';

export function updateContainer(record: ContainerRecord, resources: Resources): void {
  const { cgroup, unit } = record;
  if (cgroup === '') throw new RuntimeError('cannot update a container that has no cgroup');
  const facts = factsWithin(cgroup, hostFacts());
  const program = loadRules(record, resources.devices ?? [], facts);
  const read = (file: string) => systemReader.read(`${cgroup}/${file}`);
  const complete = completeResources(resources, { cpuMax: read('cpu.max'), memoryMax: read('memory.max') });
  const whole = unit === undefined ? complete : systemd().exactResources(complete);
  doWork(cgroup, changeLimits(whole, facts));
  // As well, so that it does not write the old ones again when it is reloaded.
  if (unit !== undefined) systemd().changeLimits(unit, whole, facts);
  if (program !== undefined) replaceRules(cgroup, program);
}

/** Loaded before anything is changed: the kernel may refuse it. Engines send the rules of the start along with new limits. */
function loadRules({ spec }: ContainerRecord, rules: readonly DeviceRule[], { supports }: HostFacts): number | undefined {
  if (rules.length === 0) return undefined;
  const policy = devicePolicy(rules);
  if (supports.deviceProgram) return host.loadDeviceProgram(deviceProgram(policy));
  const before = devicePolicy(readStoredSpec(spec).linux?.resources?.devices ?? []);
  if (policyWords(policy) === policyWords(before)) return undefined;
  throw new RuntimeError('device rules cannot be changed: no program that holds them can be loaded here');
}

function replaceRules(cgroup: string, program: number): void {
  const folder = asNode(cgroup, () => host.open(cgroup, constants.O_RDONLY | constants.O_DIRECTORY, 0));
  asNode(cgroup, () => {
    host.replaceDeviceProgram(program, folder);
  });
  host.close(folder);
  host.close(program);
}

function doWork(cgroup: string, work: LimitWork): void {
  for (let step = work.next(); step.done !== true; ) step = proceed(cgroup, work, step.value);
}

function proceed(cgroup: string, work: LimitWork, { file, value }: Access): ReturnType<LimitWork['next']> {
  let text = '';
  try {
    if (value === undefined) text = readFileSync(`${cgroup}/${file}`, 'utf8');
    else writeFileSync(`${cgroup}/${file}`, value);
  } catch (error) {
    return work.throw(error);
  }
  return work.next(text);
}
