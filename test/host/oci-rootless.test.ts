// tsrun-oci for an ordinary user with subordinate ids.
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { fixture, patience } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { program } from '../support/oci-lab.js';
import { userNeeds } from '../support/user-lab.js';

const here = needs(...userNeeds, 'cgroup2', `file:/${program.slice(1)}`);
const rangeSize = 65_536;
const uid = 30_000 + (process.pid % 9000);
const subordinate = 1_900_000_000 + (process.pid % 1000) * rangeSize;
const cgroupRoot = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'].find((root) => existsSync(join(root, 'cgroup.procs'))) ?? '';

/** Mounts the user's files over the host's, enters a cgroup, becomes the user. */
const becomeUser = `
  for name in passwd group subuid subgid; do mount --bind "$1/$name" "/etc/$name" || exit 1; done
  if [ -n "$2" ]; then echo $$ >"$2/cgroup.procs" || exit 1; fi
  user=$3; shift 3
  exec setpriv --reuid "$user" --regid "$user" --clear-groups --inh-caps=-all -- "$@"`;

const folder = mkdtempSync('/run/tsrun-test-oci-user-');
const delegated = cgroupRoot === '' ? '' : join(cgroupRoot, `tsrun-test-oci-user-${process.pid}`);

function prepare(): void {
  if (existsSync(join(folder, 'home'))) return;
  for (const name of ['home', 'run', 'etc', 'programs']) mkdirSync(join(folder, name));
  const built = dirname(program);
  for (const name of readdirSync(built).filter((each) => /^tsrun-\w+$/.test(each))) copyFileSync(join(built, name), join(folder, 'programs', name));
  writeFileSync(join(folder, 'etc/passwd'), `${readFileSync('/etc/passwd', 'utf8')}tsrun-oci-test:x:${uid}:${uid}::${folder}/home:/bin/sh\n`);
  writeFileSync(join(folder, 'etc/group'), `${readFileSync('/etc/group', 'utf8')}tsrun-oci-test:x:${uid}:\n`);
  for (const name of ['subuid', 'subgid']) writeFileSync(join(folder, 'etc', name), `tsrun-oci-test:${subordinate}:${rangeSize}\n`);
  spawnSync('cp', ['-a', fixture('busybox'), join(folder, 'home/rootfs')]);
  spawnSync('chown', ['-hR', `${uid}:${uid}`, join(folder, 'home'), join(folder, 'run')]);
  for (const name of ['.', 'home', 'run', 'etc', 'programs']) chmodSync(join(folder, name), 0o755);
}

/** `comes CHECK`: waits for something, not for ever. */
const shellWords = `
  oci() { ${folder}/programs/tsrun-oci "$@"; }
  comes() { left=3000; until "$@" >/dev/null 2>&1; do left=$((left - 1)); [ $left -gt 0 ] || { echo "never: $*"; exit 9; }; done; }
  gone() { oci state "$1" | grep -q stopped; }
  two() { [ "$(grep -c . "$1")" = 2 ]; }`;

interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A script of the user's, in which `oci` is tsrun-oci. Output goes to files, which containers may keep. */
function asUser(script: string, cgroup = ''): Said {
  const [out, err] = [join(folder, 'home/out'), join(folder, 'home/err')];
  const body = `export XDG_RUNTIME_DIR=${folder}/run PATH=${process.env['PATH'] ?? ''}; cd ${folder}/home; ${shellWords}\n${script}`;
  const { status } = spawnSync('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', becomeUser, 'sh', join(folder, 'etc'), cgroup, String(uid), 'sh', '-c', `{ ${body}\n} >${out} 2>${err} </dev/null`], { stdio: 'ignore', timeout: 60_000 * patience, killSignal: 'SIGKILL' });
  return { code: status, stdout: readFileSync(out, 'utf8'), stderr: readFileSync(err, 'utf8') };
}

const ownMap = [{ containerID: 0, hostID: uid, size: 1 }];
const wholeMap = [...ownMap, { containerID: 1, hostID: subordinate, size: rangeSize }];

interface Config {
  readonly args: readonly string[];
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly map?: typeof ownMap;
  readonly linux?: object;
  readonly namespaces?: readonly string[];
  readonly mounts?: readonly object[];
}

/** The name of a bundle in the user's home. */
function bundle(name: string, { args, user = { uid: 0, gid: 0 }, map = wholeMap, linux = {}, namespaces = ['user', 'pid', 'ipc', 'uts', 'mount', 'network', 'cgroup'], mounts = [] }: Config): string {
  const path = join(folder, 'home', name);
  mkdirSync(path);
  const config = {
    ociVersion: '1.3.0',
    process: { user, args, cwd: '/', env: ['PATH=/bin'], noNewPrivileges: true },
    root: { path: '../rootfs' },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }, ...mounts],
    linux: { namespaces: namespaces.map((type) => ({ type })), uidMappings: map, gidMappings: map, ...linux },
  };
  writeFileSync(join(path, 'config.json'), JSON.stringify(config));
  return name;
}

here('an ordinary user\'s container through its life, as whom and with which ids', (t) => {
  prepare();
  bundle('life', { args: ['sleep', '1000'], user: { uid: 12, gid: 13 } });
  const { stdout, stderr } = asUser(`
    oci create --bundle life --pid-file pid life && echo created
    oci state life | grep '"status"'
    oci start life && oci state life | grep '"status"'
    grep Uid /proc/$(cat pid)/status | cut -f2
    oci exec life id -u; oci exec --user 0:0 life sh -c 'id -u; cat /proc/self/uid_map; echo $$ >/dev/null; touch /made'
    stat -c %u rootfs/made
    oci exec life sh -c 'exit 7'; echo "status $?"
    oci exec --detach --pid-file other life sleep 1000; tr '\\0' ' ' </proc/$(cat other)/cmdline; echo
    oci list --quiet
    oci kill life KILL || echo not killed; comes gone life
    oci delete life && echo deleted; oci list --quiet`);
  t.is(stderr, '');
  t.deepEqual(stdout.trim().split('\n').map((line) => line.trim().replace(/\s+/g, ' ')), [
    'created', '"status": "created",', '"status": "running",', String(subordinate + 11),
    '12', '0', '0 0 1', `1 1 ${rangeSize}`, String(uid), 'status 7', 'sleep 1000', 'life', 'deleted',
  ]);
});

here('stopped as soon as its first process ends, whoever is to reap the others, and when', (t) => {
  prepare();
  bundle('unreaped', { args: ['sleep', '1000'] });
  const inside = `
    oci() { ${folder}/programs/tsrun-oci "$@"; }
    oci run --detach --bundle unreaped --pid-file pid unreaped; oci exec --detach --pid-file other unreaped sleep 1000
    oci kill unreaped KILL
    until grep -q "^State:.Z" /proc/$(cat other)/status; do sleep 0.05; done
    grep -c "^State:.Z" /proc/$(cat pid)/status; oci state unreaped | grep "\"status\""`;
  // A subreaper (PR_SET_CHILD_SUBREAPER) that waits for nobody but the script.
  const heir = 'import ctypes, subprocess, sys; ctypes.CDLL(None).prctl(36, 1, 0, 0, 0); sys.exit(subprocess.call(["sh", "-c", sys.argv[1]]))';
  const { stdout, stderr } = asUser(`python3 -c '${heir}' '${inside}'; comes gone unreaped; oci delete unreaped && echo deleted`);
  t.is(stderr, '');
  t.deepEqual(stdout.trim().split('\n').map((line) => line.trim()), ['0', '"status": "stopped",', 'deleted']);
});

here('an overlay over the user\'s folders, whose upper takes what is written, and no block device', (t) => {
  prepare();
  const place = join(folder, 'home/layers');
  const overlay = { destination: '/tmp', type: 'overlay', source: 'overlay', options: [`lowerdir=${place}/l`, `upperdir=${place}/u`, `workdir=${place}/w`] };
  bundle('layered', { args: ['sh', '-c', 'cat /tmp/file; echo new > /tmp/file; echo mine > /tmp/other; stat -c "%u %g" /tmp/other'], mounts: [overlay] });
  bundle('disk', { args: ['true'], mounts: [{ destination: '/tmp', type: 'ext4', source: '/dev/null' }] });
  const { stdout, stderr } = asUser(`
    mkdir layers; mkdir layers/l layers/u layers/w; echo lower > layers/l/file
    oci run --bundle layered layered; cat layers/u/file layers/l/file; stat -c %u layers/u/other
    oci run --bundle disk disk`);
  t.is(stdout, `lower\n0 0\nnew\nlower\n${uid}\n`, stderr);
  t.regex(stderr, /^makeHostMount \/dev\/null \(\/mounts\/1\): mount: operation not permitted$/m);
});

here('run, with no id but the user\'s own', (t) => {
  prepare();
  bundle('own', { args: ['sh', '-c', 'cat /proc/self/uid_map; id -u'], map: ownMap });
  const { stdout, stderr, code } = asUser('oci --log log run --bundle own own; echo "status $?"; cat log');
  t.is(stderr, '');
  t.is(code, 0);
  const lines = stdout.trim().split('\n').map((line) => line.trim().replace(/\s+/g, ' '));
  t.deepEqual(lines.slice(0, -1), ['0 0 1', '0', 'status 0']);
  t.regex(lines.at(-1) ?? '', /level=warning msg=\\?"no cgroup can be made here: the container has none, and no limits/);
});

here('mounts come to a container that is there, and go; for root of a user namespace as well', (t) => {
  prepare();
  bundle('own-users', { args: ['sleep', '1000'] });
  bundle('engine-users', { args: ['sleep', '1000'], namespaces: ['pid', 'ipc', 'uts', 'mount', 'network', 'cgroup'], linux: { uidMappings: undefined, gidMappings: undefined } });
  mkdirSync(join(folder, 'home/shown'));
  writeFileSync(join(folder, 'home/shown/file'), 'of the host\n');
  const list = [{ destination: '/added/bound', type: 'bind', source: 'shown', options: ['bind', 'ro'] }, { destination: '/added/made', type: 'tmpfs', options: ['mode=755'] }];
  writeFileSync(join(folder, 'home/list'), JSON.stringify(list));
  const script = (name: string) => `
    oci() { ${folder}/programs/tsrun-oci "$@"; }
    oci run --detach --bundle ${name} ${name} && oci mounts add ${name} list
    oci exec ${name} sh -c "cat /added/bound/file; touch /added/made/x; stat -c %u /added/made/x; stat -c %a /added/made"
    grep -c /added /proc/self/mountinfo; oci mounts remove ${name} list; oci exec ${name} grep -c /added /proc/self/mountinfo; oci delete --force ${name}`;
  for (const inside of [script('own-users'), `unset USER; unshare --user --map-root-user --map-auto sh -c '${script('engine-users')}'`]) {
    const { stdout, stderr } = asUser(inside);
    t.is(stderr, '');
    t.deepEqual(stdout.trim().split('\n'), ['of the host', '0', '755', '0', '0']);
  }
});

here('for root of a user namespace, as an ordinary user\'s engine is (podman), with one more or without', (t) => {
  prepare();
  bundle('shared', { args: ['sleep', '1000'], namespaces: ['pid', 'ipc', 'uts', 'mount', 'network', 'cgroup'], linux: { uidMappings: undefined, gidMappings: undefined } });
  bundle('nested', { args: ['cat', '/proc/self/uid_map'], map: [{ containerID: 0, hostID: 1, size: 1000 }] });
  const inside = `
    oci() { ${folder}/programs/tsrun-oci "$@"; }
    oci run --detach --bundle shared shared && ls $XDG_RUNTIME_DIR/tsrun-oci
    oci exec --user 5 shared id -u; oci exec shared readlink /proc/self/ns/user | grep -cF "$(readlink /proc/self/ns/user)"
    oci delete --force shared; oci run --bundle nested nested; oci list --quiet`;
  const { stdout, stderr } = asUser(`unset USER; unshare --user --map-root-user --map-auto sh -c '${inside}'`);
  t.is(stderr, '');
  t.deepEqual(stdout.trim().split('\n').map((line) => line.trim().replace(/\s+/g, ' ')), ['shared', '5', '1', '0 1 1000']);
});

here('what an ordinary user cannot have is refused by name, and leaves nothing', (t) => {
  prepare();
  bundle('no-namespace', { args: ['true'], namespaces: ['pid', 'mount'], linux: { uidMappings: undefined, gidMappings: undefined } });
  bundle('others', { args: ['true'], map: [{ containerID: 0, hostID: 0, size: 1 }] });
  bundle('limited', { args: ['true'], linux: { resources: { pids: { limit: 5 } } } });
  const refused = (name: string) => asUser(`oci run --bundle ${name} ${name}; oci list --quiet`);
  const answers = ['no-namespace', 'others', 'limited'].map((name) => refused(name));
  t.deepEqual(answers.map(({ stdout }) => stdout), ['', '', '']);
  t.regex(answers[0]?.stderr ?? '', /rootless container requires user namespaces/);
  t.regex(answers[1]?.stderr ?? '', /\/linux\/uidMappings: ids 0 to 0 of the host are not the user's own/);
  t.regex(answers[2]?.stderr ?? '', /no cgroup can be made here, so pids\.max cannot be set|the controller|pids/);
  writeFileSync(join(folder, 'etc/subuid'), '');
  bundle('no-ids', { args: ['true'] });
  t.regex(refused('no-ids').stderr, /the user 'tsrun-oci-test' has no subordinate ids in '\/etc\/subuid'/);
  writeFileSync(join(folder, 'etc/subuid'), `tsrun-oci-test:${subordinate}:${rangeSize}\n`);
});

function delegate(): void {
  if (!existsSync(delegated)) mkdirSync(delegated);
  mkdirSync(join(delegated, 'shell'), { recursive: true });
  for (const of of [delegated, join(delegated, 'shell')]) for (const file of ['', 'cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads']) chownSync(join(of, file), uid, uid);
}

here('in a delegated cgroup a container has one of its own, which stops, freezes and shows it', (t) => {
  prepare();
  delegate();
  const own = delegated.slice(cgroupRoot.length);
  bundle('delegated', { args: ['sh', '-c', 'sleep 1000 & sleep 1000'], linux: { cgroupsPath: `${own}/box` } });
  const { stdout, stderr } = asUser(`
    oci run --detach --bundle delegated delegated
    comes two ${delegated}/box/cgroup.procs
    oci ps --format json delegated | grep -c '\\[[0-9]*,[0-9]*'
    oci pause delegated && oci state delegated | grep '"status"'; oci resume delegated
    oci exec delegated grep '^0::' /proc/self/cgroup
    oci kill --all delegated KILL; comes gone delegated
    oci delete delegated; ls -d ${delegated}/box 2>&1 | grep -c 'No such file'`, join(delegated, 'shell'));
  t.is(stderr, '');
  t.deepEqual(stdout.trim().split('\n').map((line) => line.trim()), ['1', '"status": "paused",', '0::/', '1']);
});

needs(...userNeeds, 'cgroup2:pids', 'cgroup2:memory', `file:/${program.slice(1)}`)('limits of a delegated cgroup hold', (t) => {
  prepare();
  delegate();
  writeFileSync(join(cgroupRoot, 'cgroup.subtree_control'), '+pids +memory');
  const own = delegated.slice(cgroupRoot.length);
  bundle('limits', { args: ['sh', '-c', 'cat /proc/self/cgroup; for n in 1 2 3 4 5 6 7 8; do sleep 100 & done; true'], linux: { cgroupsPath: `${own}/limited`, resources: { pids: { limit: 6 }, memory: { limit: 33_554_432 } } } });
  const { stdout, stderr } = asUser(`
    oci create --bundle limits limits; cat ${delegated}/limited/pids.max ${delegated}/limited/memory.max
    oci update --pids-limit 5 limits; cat ${delegated}/limited/pids.max
    oci start limits; comes gone limits; cut -d ' ' -f 2 ${delegated}/limited/pids.events; oci delete --force limits`, join(delegated, 'shell'));
  t.regex(stderr, /can't fork|Resource temporarily unavailable/);
  const lines = stdout.trim().split('\n');
  t.deepEqual(lines.slice(0, 3), ['6', '33554432', '5']);
});

test.after.always('the user is removed', () => {
  for (const of of ['shell', '.']) if (delegated !== '' && existsSync(join(delegated, of))) spawnSync('rmdir', [join(delegated, of)]);
  rmSync(folder, { recursive: true, force: true });
});
