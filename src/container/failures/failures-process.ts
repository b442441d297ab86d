/** What may go wrong with the attributes of the program's process. */
import type { StepMakeDirectory, StepSetAppArmor, StepSetDirectory, StepSetIds, StepSetRlimit } from '../../plan/wire.generated.js';
import { rlimitInfinity, rlimitNames } from '../../spec/rlimits.js';
import type { Explanation } from './failure.js';
import { callersLimit } from '../../host/callers-limit.js';

export function rlimitFailure({ resource, hard }: StepSetRlimit, errno: string): Explanation | undefined {
  if (errno !== 'EPERM') return undefined;
  const name = rlimitNames[resource] ?? `limit ${resource}`;
  const asked = BigInt(hard) === rlimitInfinity ? 'unlimited' : String(hard);
  const own = callersLimit(name);
  const bound = name === 'RLIMIT_NOFILE' ? ', and fs.nr_open bounds it' : '';
  return {
    message: `${name}: a hard limit of ${asked} is above the caller's${own === undefined ? '' : ` of ${own}`}`,
    hint: `ask for less; raising it needs CAP_SYS_RESOURCE${bound}`,
  };
}

/** There may be tens of thousands. */
const mostNamed = 16;

export function idsFailure({ uid, gid, groups }: StepSetIds, errno: string, syscall: string): Explanation | undefined {
  if (errno !== 'EINVAL') return undefined;
  const who: Readonly<Record<string, string>> = { setgroups: groups.length > mostNamed ? `one of ${groups.length} groups` : `one of the groups ${groups.join(', ')}`, setresgid: `group ${gid}`, setresuid: `user ${uid}` };
  return { message: `${who[syscall] ?? `user ${uid}:${gid}`} does not exist in the container's user namespace, which does not map it`, hint: 'choose one that its uid_map and gid_map have' };
}

export function directoryFailure(step: StepMakeDirectory | StepSetDirectory, errno: string, syscall: string): Explanation | undefined {
  const { path } = step;
  const isMade = step.op === 'makeDirectory' || step.create;
  if (errno === 'EACCES') {
    const what = syscall === 'fchdir' || !isMade ? 'may not be entered by the container\'s root' : 'does not exist, and the container\'s root may not make it there';
    return { message: `the working directory '${path}' ${what}`, hint: 'its ids are not the host\'s: choose another with -w, give a volume the option idmap, or share the host\'s ids with --userns host' };
  }
  if (errno === 'ENOTDIR') return { message: `the working directory '${path}' is not a folder`, hint: 'choose another with -w' };
  if (errno === 'ELOOP') return { message: `the links on the way to the working directory '${path}' go in a circle, or through what the kernel shows`, hint: 'choose another with -w' };
  if (errno === 'EXDEV') return { message: `the working directory '${path}' does not exist, and is not made where a link of the image leads into what is mounted elsewhere`, hint: 'choose another with -w, or make it in the volume' };
  if (errno === 'EINVAL' && syscall === 'openat2') return { message: `the working directory '${path}' does not exist, and is not made where it, or a link of the image that it leads by, ends in '..'`, hint: 'choose another with -w' };
  if (errno === 'ENOENT') {
    const hint = 'choose another with -w, or make it first: that is done only for a new container, with mounts of its own';
    return { code: 'ERR_TSRUN_COMMAND_NOT_EXECUTABLE', message: `the working directory '${path}' does not exist`, hint };
  }
  if (errno === 'EROFS') return { message: `the working directory '${path}' does not exist, and cannot be made in what is read-only`, hint: 'choose another with -w, make it in the image, or mount a volume or tmpfs there' };
  return undefined;
}

const terminalFaults: Readonly<Record<string, Explanation>> = {
  // devpts(7): its multiplexer lets in whom `ptmxmode` does, which outside of containers is nobody.
  EACCES: {
    message: 'no terminal may be opened at /dev/pts of the mount namespace that the container is in',
    hint: 'do without one, share the ids of its owner (--userns host), or give the container a mount namespace',
  },
  EPERM: {
    message: "a terminal of the mount namespace that the container is in cannot be given to this user, whose ids are of another user namespace",
    hint: 'be root there, or share the user namespace of its owner as well (--userns container:NAME)',
  },
  ENOENT: { message: 'there is no terminal to be had: no devpts is mounted at /dev/pts', hint: 'add a mount of type devpts at /dev/pts to the config.json of the bundle' },
};

export function terminalFailure(errno: string): Explanation | undefined {
  return terminalFaults[errno];
}

const keyringFaults: Readonly<Record<string, Explanation>> = {
  EPERM: { message: 'no session keyring may be made here', hint: 'a seccomp filter around tsrun forbids keyctl, as docker\'s does: allow it there' },
  EDQUOT: { message: 'the user has no keys left for a session keyring', hint: 'raise maxkeys and maxbytes (for root: root_maxkeys, root_maxbytes) in /proc/sys/kernel/keys; /proc/key-users shows what is used' },
};

/** Without an own one the program would find the keys of whoever started the launcher (keyrings(7)). */
export function keyringFailure(errno: string): Explanation | undefined {
  return keyringFaults[errno];
}

/** aa_change_profile(2) */
export function appArmorFailure({ value }: StepSetAppArmor, errno: string): Explanation {
  const profile = value.replace(/^exec /, '');
  if (errno === 'ENOENT') return { message: `the AppArmor profile '${profile}' is not loaded`, hint: 'load it with apparmor_parser -r FILE; aa-status lists those that are' };
  return { message: `AppArmor does not let the program have the profile '${profile}': ${errno}`, hint: 'tsrun itself may be confined: see aa-status, and the kernel log' };
}
