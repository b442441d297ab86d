// The same bundles under tsrun-oci, runc and crun: what the program sees, field by field. Each difference is one that is explained here.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fixture } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { ociLab, program, type Config } from '../support/oci-lab.js';

const here = needs('root', 'cgroup2', `file:/${program.slice(1)}`, 'command:runc', 'command:crun');
const lab = ociLab();

const mounts = [
  { destination: '/proc', type: 'proc', source: 'proc' },
  { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
  { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'] },
  { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'] },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
  { destination: '/vol', type: 'bind', source: '/usr/share', options: ['rbind', 'ro', 'nosuid', 'nodev'] },
];
const capabilities = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'];
const ordinary = {
  maskedPaths: ['/proc/acpi', '/proc/asound', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list', '/proc/scsi', '/sys/firmware'],
  readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
};
const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
const namespaces = ['pid', 'ipc', 'uts', 'mount', 'network'].map((type) => ({ type }));

const script = `
for file in status limits cgroup oom_score_adj uid_map gid_map timens_offsets personality sessionid loginuid; do echo "== $file"; cat /proc/self/$file 2>&1; done
for file in current exec; do echo "== attr/$file"; cat /proc/self/attr/$file 2>&1 | tr -d '\\0'; done
echo "== mountinfo"; cat /proc/self/mountinfo
echo "== fds"; for n in 0 1 2 3 4 5 6 7 8 9; do (: >&$n) 2>/dev/null && echo $n; done
echo "== ids"; id; umask; pwd; hostname
echo "== env"; env | sort
echo "== nodes"; cd /dev; stat -c "%n %F %t:%T %a %u:%g" null zero full random urandom tty fd stdin stdout stderr ptmx pts shm mqueue
echo "== kernel"; cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname
echo "== owners"; stat -c "%n %u:%g" / /bin /bin/busybox /vol /proc /sys 2>&1
echo "== links"; ip -o link | cut -d" " -f2,3
echo "== parent"; awk '{ print $4, $5, $6 }' /proc/$$/stat
`;

/** crun refuses hosts on which both versions of cgroups are: it is shown the second alone. */
const pure = 'umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"';

type Seen = ReadonlyMap<string, readonly string[]>;

function seenBy(runtime: string, config: Config): Seen {
  const id = lab.newId();
  const state = join(lab.folder, `state-${id}`);
  mkdirSync(state);
  const bundle = lab.bundle({ args: ['sh', '-c', script], ...config, more: { ociVersion: '1.0.2', ...config.more } });
  // No /dev/null: crun gives the standard streams to the program's user, the host's node as well.
  const { stdout, stderr, status } = spawnSync('unshare', ['--mount', 'sh', '-c', runtime === 'crun' ? pure : 'exec "$@"', 'sh', runtime, '--root', state, 'run', '--bundle', bundle, id], { encoding: 'utf8', cwd: '/', input: '', timeout: 30_000 });
  rmSync(state, { recursive: true, force: true });
  if (status !== 0) throw new Error(`${runtime}: ${stderr}`);
  const sections = stdout.split(/^== /m).slice(1).map((part): [string, string[]] => {
    const [name = '', ...lines] = part.trimEnd().split('\n');
    return [name, lines.map((line) => comparable(name, line, id)).filter((line) => line !== '')];
  });
  return new Map(sections.map(([name, lines]) => [name, name === 'mountinfo' ? lines.sort() : lines]));
}

/** Without numbers that are of the moment: of processes, mounts, devices, the container's own name. */
function comparable(section: string, line: string, id: string): string {
  const text = line.replaceAll(id, 'ID');
  if (section === 'status') return /^(?:Name|Umask|Uid|Gid|Groups|Cap\w+|NoNewPrivs|Seccomp|Seccomp_filters|SigBlk|SigIgn|SigCgt|NSpid|CoreDumping|THP_enabled|Cpus_allowed|Mems_allowed|TracerPid|Ngid):/.test(text) ? text.replace(/^NSpid:.*/, '') : '';
  if (section !== 'mountinfo') return text;
  const [, , , root = '', point = '', own = '', ...rest] = text.split(' ');
  const at = rest.indexOf('-');
  const [type = '', source = '', system = ''] = rest.slice(at + 1);
  return [point, type, own, rest.slice(0, at).map((word) => word.replace(/:\d+/, '')).join(), type === 'tmpfs' || type === 'proc' ? '' : root, source, system].join(' ');
}

/** What is so only with a peer or with tsrun-oci, by the section, with the reason. */
interface Difference {
  readonly section: string;
  readonly lines: RegExp;
  readonly why: string;
}

const differences: readonly Difference[] = [
  { section: 'cgroup', lines: /./, why: 'each runtime has its own default cgroup, where config.json names none' },
  { section: 'parent', lines: /./, why: 'runc and crun leave the program in the session of their caller where it has no terminal; tsrun-oci gives it one of its own, so that it cannot reach the caller\'s terminal' },
  { section: 'env', lines: /^(?:OLDPWD|PWD|SHLVL|_|PATH)=/, why: 'the shell sets them itself' },
  { section: 'mountinfo', lines: /^\/ .* \/\S+\/tsrun-test-\w+\/root-\d+ /, why: 'the root that is made for the user namespace: there tsrun-oci mounts it nodev, since nobody inside can make a node, and one of the image would be the host\'s' },
  { section: 'mountinfo', lines: /^\/ tmpfs /, why: 'the same, where that root lies in memory' },
  { section: 'mountinfo', lines: /^\/(?:proc|sys)\/\S+ (?:tmpfs|proc|sysfs) /, why: 'what masked and read-only paths are covered with has the runtime\'s own options, and the peers bind /dev/null' },
  { section: 'mountinfo', lines: /^\/(?:proc|sys)\/\S+ (?:devtmpfs|tmpfs) /, why: 'the same' },
  { section: 'mountinfo', lines: /^\/sys sysfs ro.* r[ow]$/, why: 'mount(2), which the peers use, makes the file system read-only with the mount; here it is the mount alone' },
  { section: 'mountinfo', lines: /^\/dev(?: |\/(?:null|zero|full|tty|random|urandom) )/, why: 'the size that the kernel shows, and nodes that are bound where the peers cannot make them' },
  { section: 'nodes', lines: /^(?:ptmx|fd|stdin|stdout|stderr) /, why: 'the mode of a link has no meaning' },
  { section: 'nodes', lines: /^(?:null|zero|full|random|urandom|tty) .* 666 (?:0:0|65534:65534)$/, why: 'in a user namespace the peers bind the host\'s own; tsrun-oci makes nodes, which are the container\'s' },
  { section: 'nodes', lines: /^mqueue directory 0:0 1777 /, why: 'its owner is who made the ipc namespace, in runc after a change of user' },
  { section: 'status', lines: /^Name:/, why: 'busybox names itself' },
  { section: 'status', lines: /^Sig(?:Ign|Blk):/, why: 'what the caller ignores stays ignored under runc and crun (Node: SIGPIPE)' },
  { section: 'status', lines: /^(?:Cpus|Mems)_allowed:/, why: 'of the cgroup' },
];

function isExplained(section: string, line: string): boolean {
  return differences.some((each) => each.section === section && each.lines.test(line));
}

function compare(ours: Seen, theirs: Seen): string[] {
  return [...theirs.keys()].flatMap((section) => {
    const [own, other] = [ours.get(section) ?? [], theirs.get(section) ?? []];
    const only = (lines: readonly string[], than: readonly string[], mark: string) => lines.filter((line) => !than.includes(line) && !isExplained(section, line)).map((line) => `${section} ${mark} ${line}`);
    return [...only(own, other, 'tsrun-oci:'), ...only(other, own, 'peer:')];
  });
}

const process = { capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities }, rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1024, hard: 1024 }] };
const bundles: readonly (readonly [name: string, config: Config])[] = [
  ['as the example of the spec', { process, linux: { namespaces, ...ordinary }, more: { mounts, hostname: 'runc' } }],
  ['another user, groups, mask, score', { process: { ...process, user: { uid: 1000, gid: 1001, additionalGids: [5, 6], umask: 0o77 }, oomScoreAdj: 100, cwd: '/tmp' }, linux: { namespaces, ...ordinary }, more: { mounts, hostname: 'peer' } }],
  ['a root that can be written to, new privileges, a filter', { process: { ...process, noNewPrivileges: false }, linux: { namespaces, seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['swapon'], action: 'SCMP_ACT_ERRNO' }] } }, more: { root: { path: fixture('busybox') }, mounts } }],
  ['the host\'s namespaces but for mounts and processes', { process, linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }] }, more: { mounts: mounts.filter(({ type }) => type !== 'mqueue' && type !== 'sysfs') } }],
  ['a user namespace', { process, linux: { namespaces: [...namespaces, { type: 'user' }], uidMappings: ids, gidMappings: ids, ...ordinary }, more: { mounts, root: { path: lab.shiftedRoot() } } }],
];

for (const [name, config] of bundles) {
  for (const peer of ['runc', 'crun']) {
    here(`${name}: what is seen under ${peer} is seen under tsrun-oci`, (t) => {
      if (!existsSync('/usr/share')) throw new Error('no /usr/share to bind');
      t.deepEqual(compare(seenBy(program, config), seenBy(peer, config)), []);
    });
  }
}

here('control: a difference is told of', (t) => {
  const [ours, theirs] = [seenBy(program, { process, linux: { namespaces }, more: { mounts } }), seenBy(program, { process: { ...process, oomScoreAdj: 9 }, linux: { namespaces }, more: { mounts } })];
  t.deepEqual(compare(ours, theirs), [`oom_score_adj tsrun-oci: ${readFileSync('/proc/self/oom_score_adj', 'utf8').trim()}`, 'oom_score_adj peer: 9']);
});
