/**
 * Hostile archives, some nine hundred (security model, "Images"): each is refused, or unpacked to something harmless, and what lies
 * beside the folder is not touched. The control: most of those that try it get out of Python's own extraction.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { refusal } from '../support/archive-lab.js';
import { Lab, patience } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { readTree, type Tree } from '../support/trees.js';

const lab = new Lab();
const test = needs('root', 'command:getfattr', 'command:python3');
const generator = resolve(import.meta.dirname, '../../../test/support/hostile-archives.py');

interface Corpus {
  readonly archives: string;
  readonly canary: string;
  readonly names: readonly string[];
}

let made: Corpus | undefined;

function corpus(): Corpus {
  made ??= makeCorpus();
  return made;
}

function makeCorpus(): Corpus {
  const archives = mkdtempSync(join(lab.scratch, 'hostile-'));
  const canary = join(lab.scratch, 'canary');
  mkdirSync(canary);
  writeFileSync(join(canary, 'canary'), 'untouched');
  const { stdout, stderr, status } = spawnSync('python3', ['-W', 'ignore', generator, archives, canary], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return { archives, canary, names: stdout.trim().split('\n') };
}

/** An emulated processor takes a sample. */
function chosen(kinds: readonly string[]): string[] {
  const all = corpus().names.filter((name) => kinds.some((kind) => name.slice(5).split('-')[0] === kind));
  return patience === 1 || process.env['TSRUN_LONG'] !== undefined ? all : all.filter((_name, index) => index % 8 === 0);
}

/** What could hurt a host on which the layer lies, or a container on it. */
function harms(tree: Tree): string[] {
  return Object.entries(tree).flatMap(([name, { type, device, xattrs = {} }]) => {
    const attributes = Object.keys(xattrs).filter((key) => key.includes('overlay') && !(key === 'trusted.overlay.opaque' && type === 'folder'));
    return [...attributes.map((key) => `${name}: ${key}`), ...(type === 'block device' || (type === 'character device' && device !== '0:0') ? [`${name}: ${type}`] : [])];
  });
}

/** Nothing in it has a header that is whole, or its first entry is called nothing. */
function hasNoName(name: string): boolean {
  const bytes = readFileSync(join(corpus().archives, name));
  const sum = bytes.subarray(0, 512).reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  return bytes.length < 512 || Number.parseInt(bytes.toString('latin1', 148, 156), 8) !== sum || /^\d+-(header|gnu)-raw$/.test(name);
}

/** Whether the archive was refused. Throws for what it should not have done. */
async function unpackOne(name: string, request: { readonly lower?: readonly string[] } = {}): Promise<boolean> {
  const { archives, canary } = corpus();
  const destination = mkdtempSync(join(lab.scratch, 'case-'));
  const before = JSON.stringify(readTree(canary));
  const said = await refusal(lab, join(archives, name), { destination, ...request, limits: { bytes: 2 ** 24, entries: 10_000, ratio: 100 } });
  if (!said.startsWith('{') && !said.startsWith('ERR_TSRUN_IMAGE: ')) throw new Error(`${name}: ${said}`);
  if (!said.startsWith('{') && !/^ERR_TSRUN_IMAGE: (entry|what follows entry) '/.test(said) && !hasNoName(name)) throw new Error(`${name}: no entry is named: ${said}`);
  if (JSON.stringify(readTree(canary)) !== before) throw new Error(`${name}: the canary was touched`);
  const found = harms(readTree(destination));
  if (found.length > 0) throw new Error(`${name}: ${found.join(', ')}`);
  rmSync(destination, { recursive: true });
  return !said.startsWith('{');
}

interface Count {
  readonly refused: number;
  readonly all: number;
}

async function unpackAll(kinds: readonly string[], lower?: readonly string[]): Promise<Count> {
  const queue = chosen(kinds);
  const all = queue.length;
  let refused = 0;
  const work = async () => {
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) if (await unpackOne(name, lower === undefined ? {} : { lower })) refused++;
  };
  await Promise.all(Array.from({ length: 4 }, work));
  return { refused, all };
}

const groups: readonly (readonly [title: string, kinds: readonly string[]])[] = [
  ['names that lead out', ['name']],
  ['names in extended headers, in GNU\'s, in both', ['ustar', 'pax', 'gnu', 'sparse', 'header']],
  ['links that are written through', ['link', 'chain']],
  ['hard links, devices, attributes, whiteouts', ['hard', 'device', 'xattr', 'whiteout']],
  ['sizes that are lies', ['size']],
  ['damage, noise, numbers', ['cut', 'flipped', 'noise', 'no', 'mixed', 'many', 'deep']],
];

for (const [title, kinds] of groups) {
  test(`${title}: refused or harmless`, async (t) => {
    const { refused, all } = await unpackAll(kinds);
    t.log(`${refused} of ${all} are refused`);
    t.true(all > 10 && refused > 0);
  });
}

test('the same above layers whose links lead out', async (t) => {
  const lower = mkdtempSync(join(lab.scratch, 'lower-'));
  const links: Readonly<Record<string, string>> = { l: corpus().canary, a: '..', d: '/', out: `../../../../../../../../..${corpus().canary}`, x: 'x', h: corpus().canary };
  spawnSync('sh', ['-ec', Object.entries(links).map(([name, target]) => `ln -s '${target}' '${name}'`).join('\n')], { cwd: lower });
  t.is(readdirSync(lower).length, Object.keys(links).length);
  const { refused, all } = await unpackAll(['link', 'hard', 'chain', 'whiteout'], [lower]);
  t.log(`${refused} of ${all} are refused`);
  t.true(refused > 0);
  t.is(Object.values(readTree(lower)).length, Object.keys(links).length + 1);
});

test('every group is there, and there are more than five hundred', (t) => {
  const { names } = corpus();
  t.true(names.length > 500, String(names.length));
  t.deepEqual(names.filter((name) => !groups.some(([, kinds]) => kinds.includes(name.slice(5).split('-')[0] ?? ''))), []);
});

test('nothing came into the host', (t) => {
  for (const path of ['/etc/tsrun-escaped', '/tsrun-escaped', '/x', '/canary', join(lab.scratch, 'x')]) t.false(existsSync(path), path);
  t.is(lstatSync('/').mode & 0o777, 0o755);
  t.is(lstatSync('/etc/passwd').uid, 0);
});

/** In a root of its own, of which nothing but the canary's folder and its own can be written. Says whose extraction reached the canary. */
const naive = `
import os, shutil, sys, tarfile
archives, canary = sys.argv[1:]
def look(): return [(p, os.lstat(os.path.join(d, p)).st_mtime_ns, os.lstat(os.path.join(d, p)).st_mode) for d, _, f in os.walk(canary) for p in sorted(f)], sorted(os.listdir(canary)), os.stat(canary).st_mode, os.stat(canary).st_uid
def fresh():
    shutil.rmtree(canary, ignore_errors=True); os.makedirs(canary); open(canary + '/canary', 'w').write('untouched')
for name in sorted(os.listdir(archives)):
    if name[5:].split('-')[0] not in ('name', 'link', 'hard', 'chain', 'pax', 'gnu', 'ustar', 'header'): continue
    fresh(); before = look(); shutil.rmtree('/work', ignore_errors=True); os.makedirs('/work/d/e/e/p/e/r'); os.chdir('/work/d/e/e/p/e/r')
    try:
        with tarfile.open(os.path.join(archives, name)) as tar:
            for member in tar: tar.extract(member, '.')
    except Exception: pass
    os.chdir('/')
    try: after = look()
    except Exception: after = None
    os.chmod('/', 0o755); os.chown('/', 0, 0)
    if after != before: print(name)
`;

const sandbox = `
mount -t tmpfs tmpfs "$1"; cd "$1"; mkdir -p usr work ".$2" ".$3"
mount --rbind /usr usr; mount -o remount,bind,ro usr
for name in bin lib lib64 sbin; do [ -L /$name ] && cp -P /$name . ; done
mount --bind "$2" ".$2"; mount -o remount,bind,ro ".$2"
printf '%s' "$4" >naive.py
exec chroot . python3 -W ignore /naive.py "$2" "$3"`;

test('control: a program that trusts archives lets many of these out', (t) => {
  const { archives, canary } = corpus();
  const root = mkdtempSync(join(lab.scratch, 'naive-'));
  const { stdout, stderr } = spawnSync('unshare', ['--mount', '--propagation', 'private', 'sh', '-ec', sandbox, 'sh', root, archives, canary, naive], { encoding: 'utf8', timeout: 60_000 * patience, killSignal: 'SIGKILL' });
  const escaped = stdout.trim().split('\n').filter((name) => name !== '');
  t.log(`${escaped.length} reach the canary`);
  t.true(escaped.length > 50, stderr);
  t.true(escaped.some((name) => name.includes('link-file')) && escaped.some((name) => name.includes('name')));
});

lab.declareLeakTest();
