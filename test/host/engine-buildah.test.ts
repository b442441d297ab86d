// buildah on tsrun-oci: it makes a container for each command, and asks for its state again and again.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { engineLab, engineTest, runtime, savedImage } from '../support/engines.js';
import { until } from '../support/until.js';

const here = engineTest('buildah');
const image = 'localhost/busybox:1';
const lab = engineLab(async (machine) => {
  await said('pull', '--quiet', `docker-archive:${savedImage(machine, image)}:${image}`);
});

const words = (...more: readonly string[]) => ['buildah', '--root', '/run/buildah/root', '--runroot', '/run/buildah/run', '--storage-driver', 'overlay', ...more];
const buildah = async (...more: readonly string[]) => lab.call(words(...more));

async function said(...more: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await buildah(...more);
  if (code !== 0) throw new Error(`buildah ${more.join(' ')}: ${String(code)} ${stderr}`);
  return stdout.trim();
}

const flags = ['--isolation', 'oci', '--runtime', runtime];

here('run: streams, status, and what cannot be executed', async (t) => {
  const container = await said('from', image);
  const run = async (...more: readonly string[]) => buildah('run', ...flags, '--network', 'none', ...more);
  const { code, stdout } = await run(container, '--', 'sh', '-c', 'echo out; exit 7');
  t.deepEqual([code, stdout], [7, 'out\n']);
  t.is((await run('--user', '1000', '--volume', `${lab.folder}:/mnt:ro`, container, '--', 'sh', '-c', 'id -u; touch /mnt/new 2>/dev/null || echo refused')).stdout, '1000\nrefused\n');
  t.regex((await run(container, '--', '/no/such')).stderr, /exec: "\/no\/such": stat \/no\/such: no such file or directory/);
  t.is((await run('--cap-add', 'CAP_NET_ADMIN', '--hostname', 'named', container, '--', 'hostname')).stdout, 'named\n');
  const pty = lab.pty(words('run', ...flags, '--tty', container, '--', 'sh', '-c', 'tty; exit 5'));
  await pty.see(/\/dev\/pts\/0/);
  t.is((await pty.ended).code, 5);
  await said('rm', container);
});

here('build, with user namespaces as well', async (t) => {
  const file = join(lab.folder, 'Containerfile');
  writeFileSync(file, `FROM ${image}\nRUN echo built > /built && chown 1000 /built\nRUN --mount=type=tmpfs,target=/scratch touch /scratch/file && test -u /built || stat -c %u /built\n`);
  for (const more of [[], ['--userns-uid-map', '0:100000:65536', '--userns-gid-map', '0:100000:65536']]) {
    const built = await buildah('build', ...flags, ...more, '--network', 'none', '--no-cache', '--tag', 'localhost/built:1', '--file', file, lab.folder);
    t.is(built.code, 0, built.stderr);
    t.regex(built.stdout, /^1000$/m);
  }
});

here('nothing is left', async (t) => {
  await until(async () => (await lab.traces()).every((path) => /\/(buildah|tsrun)$/.test(path)), 'the last end');
  t.is(await said('containers', '--quiet'), '');
});
