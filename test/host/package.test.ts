// The package, packed and installed in an empty folder: what it holds, that it runs there without network and compiler, and what it says
// where its native part is missing or wrong. TSRUN_LONG=1: for both architectures, under other versions of Node, and under Bun.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { blocksOf, checkout, compile } from '../docs/examples.js';
import { complaints } from '../docs/type-check.js';
import { RunningProgram } from '../docs/running-program.js';
import { freePort } from '../support/free-port.js';
import { makeImage } from '../support/images.js';
import { interpreter, Package, type Project } from '../support/installed-package.js';
import { membersOf, readObject } from '../support/json.js';
import { Lab } from '../support/lab.js';
import { needs, type Need } from '../support/needs.js';
import { until } from '../support/until.js';

const long = process.env['TSRUN_LONG'] === '1';
const common: readonly Need[] = ['root', 'userns', 'overlay', 'lane:bare', 'command:npm', 'command:readelf'];
const here = needs(...common);
const longHere: typeof here = long ? here : () => undefined;
const architectures = long ? ['x64', 'arm64'] : [process.arch];

const lab = new Lab();
let made: { readonly pack: Package; readonly project: Project } | undefined;

/** Made by the first test that asks. */
async function installed(t: ExecutionContext): Promise<{ readonly pack: Package; readonly project: Project }> {
  t.timeout(15 * 60_000);
  // The runner is to hear of that before this process hears of nothing: a cross build takes minutes.
  await delay(100);
  if (made !== undefined) return made;
  const pack = new Package(lab.scratch, architectures);
  made = { pack, project: pack.install() };
  return made;
}

here('it holds what runs, types, licences and documents, and nothing of development', async (t) => {
  const { pack } = await installed(t);
  const files = pack.files();
  const programs = ['tsrun-archive', 'tsrun-launcher', 'tsrun-oci', 'tsrun-reaper', 'tsrun.node'];
  for (const architecture of architectures) {
    t.deepEqual(files.filter((path) => path.startsWith(`prebuilds/linux-${architecture}/`)).map((path) => basename(path)).sort(), programs);
  }
  const expected = /^(?:bin\/tsrun-oci|dist\/src\/(?!cli\/|oci-cli\/)[\w./-]+(?:\.js|\.d\.ts)|dist\/bundle\/cli\/[\w.-]+\.(?:cjs|cache)|docs\/[\w-]+\.md|licenses\/[\w.+-]+\.txt|prebuilds\/linux-(?:x64|arm64)\/tsrun[\w.-]+|package\.json|[A-Z]+(?:\.md)?)$/;
  t.deepEqual(files.filter((path) => !expected.test(path)), []);
  const { scripts, gypfile } = readObject(readFileSync(pack.path('package.json'), 'utf8'));
  t.deepEqual(Object.keys(membersOf(scripts)).filter((name) => /^(?:pre|post)?install$|^prepare$/.test(name)), []);
  t.is(gypfile, false, 'npm would build where it finds a binding.gyp');
});

here('NOTICE names all that is linked, and each licence that is carried is named there', async (t) => {
  const { pack } = await installed(t);
  const notice = readFileSync(join(checkout, 'NOTICE'), 'utf8').toLowerCase();
  const carried = pack.files().filter((path) => path.startsWith('licenses/')).map((path) => basename(path, '.txt').toLowerCase());
  t.true(carried.length > 10);
  t.deepEqual(carried.filter((name) => !notice.includes(name)), []);
  const files: Readonly<Record<string, string>> = { libcrypto: 'openssl', libz: 'zlib', libzstd: 'zstd', libbz2: 'bzip2', libquickjs: 'quickjs' };
  const linked = [...readFileSync(join(checkout, 'binding.gyp'), 'utf8').matchAll(/(lib\w+)\.a/g)].map(([, name = '']) => files[name] ?? name);
  t.true(linked.length > 5);
  t.deepEqual(linked.filter((name) => !carried.includes(name)), []);
});

/** What `docs/embedding.md` and the hint of the loader promise, of packages that are made on Debian 12; a newer one's programs want its own. */
const newestGlibc = /^VERSION_CODENAME=bookworm$/m.test(readFileSync('/etc/os-release', 'utf8')) ? 34 : Infinity;
const machines: Readonly<Record<string, RegExp>> = { x64: /Machine:.*X86-64/, arm64: /Machine:.*AArch64/ };

for (const architecture of architectures) {
  here(`the programs for ${architecture} are its, and run with glibc 2.34`, async (t) => {
    const { pack } = await installed(t);
    for (const path of pack.files().filter((each) => each.startsWith(`prebuilds/linux-${architecture}/`))) {
      const { stdout } = spawnSync('readelf', ['--file-header', '--version-info', '--wide', pack.path(path)], { encoding: 'utf8' });
      t.regex(stdout, machines[architecture] ?? /^$/, path);
      const versions = [...stdout.matchAll(/Name: GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor));
      t.is(versions.length > 0, path.endsWith('.node'), `${path}: all but the addon are static`);
      t.true(Math.max(0, ...versions) <= newestGlibc, `${path}: ${versions.join(' ')}`);
    }
  });
}

here('installed in an empty folder it runs a container by npx, and tsrun-oci', async (t) => {
  const { project } = await installed(t);
  t.is(project.call('npx', ['--offline', 'tsrun', 'run', lab.image, '--', 'sh', '-c', 'echo hello'], { TSRUN_ROOT: lab.stateRoot }), 'hello\n');
  t.regex(project.call('npx', ['--offline', 'tsrun-oci', '--version']), /^tsrun-oci version \d+\.\d+\.\d+$/m);
});

const [agent = ''] = blocksOf('docs/embedding.md').filter(({ language }) => language === 'ts').map(({ text }) => text);
const server = 'mkdir /www && echo hello > /www/index.html && exec busybox httpd -f -p "$PORT" -h /www';

async function runsAgent(t: ExecutionContext, node?: string): Promise<void> {
  const { project } = await installed(t);
  const port = await freePort();
  const env = { PORT: String(port), PATH: '' };
  await using running = new RunningProgram(compile(project.folder, 'agent', agent), [makeImage(lab), 'sh', '-c', server], { env, ...(node !== undefined && { interpreter: node }) });
  await until(async () => (await fetch(`http://127.0.0.1:${port}/`).then(async (answer) => answer.text(), () => '')) === 'hello\n', 'the answer of the app');
  running.containers();
  t.deepEqual(await running.end('SIGTERM'), { code: 0, signal: null }, running.output);
  t.deepEqual(await running.leftovers(), []);
}

here('the first example of docs/embedding.md runs there, on this Node', async (t) => {
  await runsAgent(t);
});

here('its types are there', async (t) => {
  const { project } = await installed(t);
  t.deepEqual(complaints(project.folder, { 'agent.mts': agent, 'steps.mts': "import { launcherOps } from 'tsrun/plan';\nconsole.log(launcherOps);\n" }), []);
});

/** Each spoils what is installed; the refusal names what was looked for. */
const spoiled: readonly (readonly [what: string, spoil: (folder: string) => void, says: RegExp])[] = [
  ['without the folder of this machine', (folder) => { rmSync(folder, { recursive: true }); }, /there is no native part for linux-\w+: no tsrun\.node in '.*prebuilds\/linux-\w+' or '.*build\/Release'/],
  ['without the launcher', (folder) => { rmSync(join(folder, 'tsrun-launcher')); }, /is not whole: no tsrun-launcher in '.*prebuilds\/linux-\w+'/],
  ['with an addon of another kind', (folder) => { writeFileSync(join(folder, 'tsrun.node'), 'not a library'); }, /tsrun\.node' could not be loaded on linux-\w+: .*(?:file too short|invalid ELF header)/],
  ['with an addon for another processor', (folder) => { changeMachine(join(folder, 'tsrun.node')); }, /tsrun\.node' could not be loaded on linux-\w+: .*(?:wrong ELF class|cannot open shared object file|invalid ELF)/],
  ['with another library as addon', (folder) => { copyFileSync('/lib64/ld-linux-x86-64.so.2', join(folder, 'tsrun.node')); }, /tsrun\.node' (?:is not of this version|could not be loaded)/],
];

/** e_machine of an ELF header. */
function changeMachine(file: string): void {
  const bytes = readFileSync(file);
  bytes.writeUInt16LE(bytes.readUInt16LE(18) === 62 ? 183 : 62, 18);
  writeFileSync(file, bytes);
}

for (const [what, spoil, says] of spoiled) {
  here(`${what} it says what it looked for, and how that is built`, async (t) => {
    const { project } = await installed(t);
    const whole = join(project.installed, 'prebuilds');
    const kept = mkdtempSync(join(lab.scratch, 'kept-'));
    renameSync(whole, join(kept, 'prebuilds'));
    try {
      const folder = join(whole, `linux-${process.arch}`);
      mkdirSync(folder, { recursive: true });
      for (const name of ['tsrun.node', 'tsrun-launcher', 'tsrun-archive', 'tsrun-reaper']) copyFileSync(join(kept, `prebuilds/linux-${process.arch}`, name), join(folder, name));
      spoil(folder);
      const { status, stderr } = project.try('npx', ['--offline', 'tsrun', 'run', lab.image, '--', 'true'], { TSRUN_ROOT: lab.stateRoot });
      t.not(status, 0);
      t.regex(stderr, says);
      t.regex(stderr, /npm run build/);
    } finally {
      rmSync(whole, { recursive: true });
      renameSync(join(kept, 'prebuilds'), whole);
    }
  });
}

for (const version of ['22.23.3', '24.21.0']) {
  longHere(`command and first example run on Node ${version}`, async (t) => {
    const { project } = await installed(t);
    const node = interpreter(`node-linux-${process.arch}@${version}`, 'node');
    t.is(project.call(node, ['node_modules/tsrun/dist/bundle/cli/main.cjs', 'run', lab.image, '--', 'echo', 'hello'], { TSRUN_ROOT: lab.stateRoot }), 'hello\n');
    await runsAgent(t, node);
  });
}

longHere('under Bun, whose sockets take no descriptor, it says so', async (t) => {
  const { project } = await installed(t);
  const bun = interpreter('@oven/bun-linux-x64-baseline@1.4.5', 'bun');
  const { status, stderr } = project.try(bun, ['node_modules/tsrun/dist/bundle/cli/main.cjs', 'run', lab.image, '--', 'true'], { TSRUN_ROOT: lab.stateRoot });
  t.not(status, 0);
  t.regex(stderr, /cannot make a net\.Socket of a descriptor/);
  t.regex(stderr, /use Node 20\.19 or newer/);
});

test.after.always(() => { lab.removeFolders(); });
