/** A seccomp profile in docker's own form: the container starts under it, and its conditions hold. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DockerSeccomp, RunOptions } from '../../src/index.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { spawnSync } from 'node:child_process';
import { checkout } from '../docs/examples.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');

/** As moby's and containers' own: by architecture, capability and kernel; errnos by number and by name; null for what is not set. */
const profile: DockerSeccomp = {
  defaultAction: 'SCMP_ACT_ALLOW',
  defaultErrnoRet: 1,
  archMap: [
    { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] },
    { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
  ],
  syscalls: [
    { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errno: 'EDQUOT', args: null, excludes: { caps: ['CAP_SYS_ADMIN'] } },
    { names: ['link', 'linkat'], action: 'SCMP_ACT_ERRNO', errnoRet: 122, includes: { caps: ['CAP_CHOWN'], minKernel: '4.8' } },
    { names: ['symlink', 'symlinkat'], action: 'SCMP_ACT_ERRNO', errnoRet: 122, includes: { minKernel: '99.0' } },
    { names: ['rename', 'renameat', 'renameat2'], action: 'SCMP_ACT_ERRNO', errnoRet: 122, includes: { arches: ['s390x'] } },
  ],
};

/** What a program says that makes a folder, a hard link, a symbolic link, and renames. */
const program = 'cd /tmp; for call in "mkdir d" "ln f l" "ln -s f s" "mv s t"; do : > f; $call 2>/dev/null && echo "$call: done" || echo "$call: refused"; done; mkdir e';

async function answers(options: RunOptions = {}): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return lab.sh(program, { seccomp: profile, mounts: [{ type: 'tmpfs', destination: '/tmp' }], ...options });
}

here('rules count by capability, kernel and architecture', async (t) => {
  const { stdout, stderr } = await answers();
  t.is(stdout, 'mkdir d: refused\nln f l: refused\nln -s f s: done\nmv s t: done\n');
  t.regex(stderr, /quota exceeded/i, 'with the errno of the profile');
});

here('another bounding set, another filter', async (t) => {
  t.is((await answers({ capAdd: ['SYS_ADMIN'] })).stdout, 'mkdir d: done\nln f l: refused\nln -s f s: done\nmv s t: done\n');
  t.is((await answers({ capDrop: ['CHOWN'] })).stdout, 'mkdir d: refused\nln f l: done\nln -s f s: done\nmv s t: done\n');
});

here('control: without the profile all of it is done', async (t) => {
  t.is((await answers({ seccomp: 'default' })).stdout, 'mkdir d: done\nln f l: done\nln -s f s: done\nmv s t: done\n');
});

here('the container is under a filter, and what is executed in it later as well', async (t) => {
  const container = await lab.idle({ seccomp: profile });
  const { stderr, stdout } = await lab.exec(container, { command: ['sh', '-c', 'grep ^Seccomp: /proc/self/status; mkdir /tmp/d'] });
  t.regex(stdout, /^Seccomp:\s+2$/m);
  t.regex(stderr, /quota exceeded/i);
  await container.killAll();
});

here('from a file, at the command line', (t) => {
  const file = join(lab.scratch, 'docker.json');
  writeFileSync(file, JSON.stringify(profile));
  const words = ['run', '--rm', '--name', lab.newId(), '--security-opt', `seccomp=${file}`, lab.image, 'mkdir', '/tmp/d'];
  const { stderr, status } = spawnSync(process.execPath, [join(checkout, 'dist/src/cli/main.js'), ...words], { encoding: 'utf8', env: { ...process.env, TSRUN_ROOT: lab.stateRoot } });
  t.is(status, 1);
  t.regex(stderr, /quota exceeded/i);
});

lab.declareLeakTest();
