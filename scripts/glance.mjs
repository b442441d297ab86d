// Isolation at a glance: the same few lines of shell read /proc in a container and on the host, and both answers stand side by side.
import { spawnSync } from 'node:child_process';
import { relative, resolve } from 'node:path';
import { fixture } from '../rootfs-fixtures/build.mjs';

const tsrun = resolve(import.meta.dirname, '../dist/bundle/cli/main.cjs');
const timeoutMs = 60_000;

// For dash and busybox alike. One `name=value` a line.
const look = `
field() { while read -r name value; do [ "$name" = "$1:" ] && echo "$value"; done </proc/$$/status; }
limit() { while read -r line; do case $line in "$1 "*) set -- \${line#"$1"}; echo "$1"; esac; done </proc/$$/limits; }
first() { [ -r "$1" ] && head -n 1 "$1"; }
echo "pid=$$"
echo "hostname=$(first /proc/sys/kernel/hostname)"
echo "uid=$(id -u)"
echo "uidMap=$(first /proc/$$/uid_map)"
echo "mounts=$(wc -l </proc/$$/mountinfo)"
echo "interfaces=$(tail -n +3 /proc/net/dev | while IFS=: read -r name _; do echo $name; done | tr '\\n' ' ')"
echo "capabilities=$(field CapEff)"
echo "lastCapability=$(first /proc/sys/kernel/cap_last_cap)"
echo "noNewPrivileges=$(field NoNewPrivs)"
echo "seccomp=$(field Seccomp)"
echo "filters=$(field Seccomp_filters)"
echo "cgroup=$(grep '^0::' /proc/$$/cgroup)"
echo "pidsMax=$(first /sys/fs/cgroup/pids.max)"
echo "memoryMax=$(first /sys/fs/cgroup/memory.max)"
echo "files=$(limit 'Max open files')"
echo "core=$(limit 'Max core file size')"
echo "processes=$(ls -d /proc/[0-9]* | wc -l)"
echo "kernel=$(first /proc/sys/kernel/osrelease)"
`;

const questions = look.match(/^echo /gm).length;
const allIds = 0xffff_ffff;
const seccompModes = { 0: 'off', 1: 'strict', 2: 'filter' };

const rows = [
  ['process id', ({ pid }) => pid],
  ['visible processes', ({ processes }) => processes],
  ['host name', ({ hostname }) => hostname],
  ['user', ({ uid }) => uid],
  ['user ids', ({ uidMap }) => describeIds(uidMap)],
  ['mounts', ({ mounts }) => mounts],
  ['network interfaces', ({ interfaces }) => interfaces],
  ['capabilities', ({ capabilities, lastCapability }) => `${countBits(capabilities)} of ${Number(lastCapability) + 1}`],
  ['no new privileges', ({ noNewPrivileges }) => (noNewPrivileges === '1' ? 'on' : 'off')],
  ['seccomp', ({ seccomp, filters }) => `${seccompModes[seccomp] ?? seccomp}${Number(filters) > 0 ? ` (${filters})` : ''}`],
  ["the container's cgroup", ({ cgroup }) => cgroup.replace('0::', '')],
  ['limit: processes', ({ pidsMax }) => pidsMax || 'none'],
  ['limit: memory', ({ memoryMax }) => memoryMax || 'none'],
  ['limit: open files', ({ files }) => files],
  ['limit: core dump', ({ core }) => core],
  ['kernel', ({ kernel }) => kernel],
];

function describeIds(map) {
  const [inside, outside, count] = map.split(/\s+/).filter(Boolean).map(Number);
  return count === allIds ? 'as they are' : `${inside}–${inside + count - 1} are ${outside}–${outside + count - 1} outside`;
}

function countBits(mask) {
  return BigInt(`0x${mask}`).toString(2).replaceAll('0', '').length;
}

function answers(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, [...args, look], { encoding: 'utf8', timeout: timeoutMs, stdio: ['ignore', 'pipe', 'pipe'] });
  if (error || status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? `exit ${status}`}\n${stderr}`.trimEnd());
  const lines = stdout.split('\n').map((line) => /^(\w+)=(.*)$/.exec(line)).filter((match) => match !== null);
  if (lines.length !== questions) throw new Error(`${command} ${args.join(' ')}: unexpected output\n${stdout}${stderr}`.trimEnd());
  return { notes: stderr.trim(), values: Object.fromEntries(lines.map(([, name, value]) => [name, value.trim()])) };
}

function printTable(inside, outside) {
  const table = [['', 'in the container', 'on the host'], ...rows.map(([title, show]) => [title, show(inside), show(outside)])];
  const widths = [0, 1].map((column) => Math.max(...table.map((row) => row[column].length)) + 3);
  for (const [title, ours, theirs] of table) console.log(`  ${title.padEnd(widths[0])}${ours.padEnd(widths[1])}${theirs}`);
}

/** A container sees its own cgroup as the root of all; where that is, the host alone can tell. */
function runToEnd(image, name) {
  try {
    const inside = answers(process.execPath, [tsrun, 'run', '--name', name, image, '--', 'sh', '-c']);
    const { record } = JSON.parse(tell('inspect', '--json', name));
    return { inside, cgroup: record.cgroup === '' ? 'none' : record.cgroup };
  } finally {
    tell('rm', '-f', name);
  }
}

function tell(...words) {
  return spawnSync(process.execPath, [tsrun, ...words], { encoding: 'utf8', timeout: timeoutMs }).stdout;
}

try {
  const image = fixture('busybox');
  const command = `./${relative(process.cwd(), tsrun)}`;
  const { inside: container, cgroup } = runToEnd(image, `glance.${process.pid}`);
  console.log('Isolation at a glance\n');
  printTable(container.values, { ...answers('sh', ['-c']).values, cgroup });
  if (container.notes !== '') console.log(`\n${container.notes}`);
  console.log(`\nGo on with:\n  ${command} run -it --rm ${image} sh\n  ${command} explain ${image}\n  ${command} doctor`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
