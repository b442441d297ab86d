/**
 * Device rules: held by a program on the container's cgroup. The same program for all containers with the same rules, so
 * that it costs a microsecond, and it stands in the default plan too, behind the lack of any node and of the right to
 * make one.
 */
import { deviceProgram } from '../cgroup/device-program.js';
import { accessBits, accessTo, allowsEverything, devicePolicy, policyWords, ruleWords, type DeviceId, type DevicePolicy, type PolicyRule } from '../cgroup/device-rules.js';
import { TsrunError } from '../spec/errors.js';
import { standardNodes } from './compile-dev.js';
import type { Compilation } from './compilation.js';
import { ownsRoot } from './own-root.js';

const field = '/linux/resources/devices';
const readAndWrite = accessBits.r | accessBits.w;

/** @returns whether all rules hold for every node that may ever be there, whoever makes it */
export function compileDevices(compilation: Compilation, cgroup: number | null): boolean {
  const { input: { spec, host }, builder } = compilation;
  const policy = devicePolicy(spec.linux?.resources?.devices ?? []);
  if (allowsEverything(policy)) return true;
  if (cgroup !== null && host.supports.deviceProgram) {
    builder.add(field, { op: 'limitDevices', cgroup, program: deviceProgram(policy) }, { rules: policyWords(policy) });
    return true;
  }
  const open = openInSpite(compilation, policy);
  if (open === undefined) return false;
  throw new TsrunError('ERR_TSRUN_LIMIT_UNAVAILABLE', `the device rules cannot be held, ${lackOf(compilation, cgroup)}: ${open.what}`, { field: open.field, hint: open.hint });
}

function lackOf({ input: { host } }: Compilation, cgroup: number | null): string {
  if (host.uid !== 0) return 'since an ordinary user may not load the program that holds them';
  return cgroup === null ? 'since no cgroup can be made here' : 'since the kernel loads no program that holds them';
}

interface Opening {
  readonly what: string;
  readonly field: string;
  readonly hint: string;
}

/** Without the program rules are held by what can exist. What the container could do all the same. */
function openInSpite(compilation: Compilation, policy: DevicePolicy): Opening | undefined {
  const { input, input: { spec, host }, namespaces } = compilation;
  const mayMakeNodes = host.uid === 0 && !namespaces.isNew('user') && (spec.process?.capabilities?.bounding?.includes('CAP_MKNOD') ?? false);
  if (mayMakeNodes && (spec.linux?.resources?.devices ?? []).some(({ allow }) => !allow)) {
    return {
      what: 'with CAP_MKNOD and the host\'s user namespace the container could make any node',
      field,
      hint: 'drop CAP_MKNOD (--cap-drop MKNOD), or give the container a user namespace',
    };
  }
  if (host.uid === 0 && !ownsRoot(input, namespaces)) {
    return { what: 'the container sees the devices of a mount namespace that it did not make', field, hint: 'give the container a mount namespace' };
  }
  return reachable(compilation, policy).map((device) => openDevice(device, policy)).find((each) => each !== undefined);
}

interface Reachable extends Pick<PolicyRule, 'type' | 'major' | 'minor'> {
  readonly field: string;
}

/** The container's nodes; and what a rule allows is taken to be there, in a bind mount if nowhere else. */
function reachable({ input: { spec } }: Compilation, { rules }: DevicePolicy): Reachable[] {
  const allowed = rules.filter(mayBeThere).map(({ type, major, minor, index = 0 }) => ({ type, major, minor, field: `${field}/${index}` }));
  const standard = standardNodes.map(([, major, minor]) => ({ type: 'c', major, minor, field }) as const);
  const asked = (spec.linux?.devices ?? []).map(({ type, major = 0, minor = 0 }, index) => ({ type, major, minor, field: `/linux/devices/${index}` }));
  return [...allowed, ...standard, ...asked.flatMap(({ type, ...node }) => (type === 'p' ? [] : [{ ...node, type: type === 'u' ? 'c' : type } as const]))];
}

/** Engines allow `c *:* m`, to make any node and open none: nothing is there for that. */
function mayBeThere({ allow, index, minor, access }: PolicyRule): boolean {
  return allow && index !== undefined && (minor !== undefined || (access & readAndWrite) !== 0);
}

/** Numbers that no device has, for those that a rule leaves open (MINORBITS of linux/kdev_t.h). */
const beyond = { major: 2 ** 12, minor: 2 ** 20 };

function openDevice({ field: at, type, major, minor }: Reachable, policy: DevicePolicy): Opening | undefined {
  const device: DeviceId = { type: type === 'b' ? type : 'c', major: major ?? beyond.major, minor: minor ?? beyond.minor };
  const denied = readAndWrite & ~accessTo(policy, device);
  if (denied === 0) return undefined;
  return { what: `${ruleWords({ type, major, minor, access: denied })} would be open`, field: at, hint: 'allow it r and w, or do not give it; see tsrun doctor for what is missing here' };
}
