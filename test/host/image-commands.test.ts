// The commands about images, as a person types them: from an archive and a registry to a container, and away again.
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { appArchive, registryWithApp } from '../support/app-archive.js';
import { packFolder, writeLayout } from '../support/image-layouts.js';
import { makeImage } from '../support/images.js';
import { CommandLab, refusal } from '../support/command-lab.js';
import { readObject, readObjects } from '../support/json.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { saveImages } from '../support/saved-images.js';

const lab = new CommandLab();
/** For its folders alone. */
const folders = new Lab();
const here = needs('root', 'userns', 'overlay');

/** Each test begins with an empty store. */
test.beforeEach(() => { lab.emptyStore(); });

async function loadApp(t: ExecutionContext): Promise<void> {
  const loaded = await lab.call(['load', '-q', appArchive(folders)]);
  t.deepEqual([loaded.code, loaded.stderr], [0, '']);
}

async function lines(...words: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await lab.call(words);
  if (code !== 0) throw new Error(`${words.join(' ')}: ${stderr}`);
  return stdout.split('\n').filter((line) => line !== '');
}

here('an archive is loaded, listed in every form, and run by its name', async (t) => {
  await loadApp(t);
  t.deepEqual((await lines('load', '-q', appArchive(folders))).sort(), ['Loaded image: localhost:5000/app:v2', 'Loaded image: team/app:v1']);
  const [head = '', ...rows] = await lines('images');
  t.regex(head, /^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE$/);
  const [id = ''] = await lines('images', '-q');
  t.regex(id, /^[\da-f]{12}$/);
  t.deepEqual(rows.map((row) => row.split(/ {2,}/).slice(0, 3)).sort(), [['localhost:5000/app', 'v2', id], ['team/app', 'v1', id]]);
  t.deepEqual((await lines('images', '--names')).sort(), ['localhost:5000/app:v2', 'team/app:v1']);
  t.deepEqual(await lines('images', '--names', 'team/app'), ['team/app:v1']);
  t.deepEqual(await lines('images', '-q', 'no/such'), []);
  const [digest = ''] = await lines('images', '-q', '--no-trunc');
  t.true((await lines('images', '--digests')).every((line, index) => index === 0 || line.includes(digest)));
  const [first] = readObjects((await lab.call(['images', '--json'])).stdout);
  t.like(first, { digest, layers: 2, created: '2026-01-31T12:00:00Z' });
  t.deepEqual(await lines('run', '--rm', 'team/app:v1'), ['hello from /srv']);
  t.deepEqual(await lines('run', '--rm', '--entrypoint', 'cat', id, '/etc/changed', '/etc/added'), ['newxxxxx']);
});

here('an archive is run without being loaded, and takes nobody\'s name', async (t) => {
  t.deepEqual(await lines('images', '--names'), []);
  t.deepEqual(await lines('run', '--rm', '-q', `docker-archive:${appArchive(folders)}:team/app:v1`), ['hello from /srv']);
  const told = await lab.call(['run', '--rm', `docker-archive:${appArchive(folders)}:team/app:v1`, 'echo again']);
  t.deepEqual([told.stdout, told.stderr], ['again\n', ''], 'it is there already');
  t.deepEqual(await lines('images', '--names'), []);
  t.is((await lines('images')).length, 2);
});

here('a layer beyond a limit is refused by whoever unpacks, and nothing of it is kept', async (t) => {
  const registry = await registryWithApp(t, folders);
  const archive = saveImages(join(folders.scratch, 'one-layer.tar'), { names: ['one:1'], layers: [makeImage(folders)] });
  const ways = [['load', '-q', archive], ['run', '--rm', '-q', archive], ['pull', '-q', `${registry.host}/app:v1`]];
  const limits = [
    [['--max-layer-bytes', '1000'], 'more bytes'],
    [['--max-layer-entries', '3'], 'more entries'],
  ] as const;
  for (const way of ways) {
    for (const [flags, why] of limits) {
      const [command = '', ...words] = way;
      const said = await lab.call([command, ...flags, ...words]);
      t.not(said.code, 0, way.join(' '));
      t.regex(said.stderr, new RegExp(`${why} than the limit allows`), way.join(' '));
      t.true(said.stderr.includes(flags[0]), said.stderr);
      t.deepEqual(readdirSync(join(lab.imageRoot, 'layers')), []);
      t.deepEqual(readdirSync(join(lab.imageRoot, 'tmp')).filter((name) => name.startsWith('layer-')), []);
      t.deepEqual(await lines('images', '-q'), []);
    }
  }
  const bomb = saveImages(join(folders.scratch, 'bomb.tar'), { names: ['bomb:1'], layers: [makeImage(folders, { files: { zeros: '\0'.repeat(40 * 2 ** 20) } })] });
  execFileSync('gzip', ['-kf', bomb]);
  t.regex((await lab.call(['load', '-q', '--max-layer-ratio', '5', `${bomb}.gz`])).stderr, /more bytes for each of its own than the limit allows/);
  t.deepEqual(await lines('load', '-q', '--max-layer-ratio', '5000', '--max-layer-bytes', '1g', '--max-layer-entries', '100000', `${bomb}.gz`), ['Loaded image: bomb:1']);
  t.regex((await lab.call(['load', '--max-layer-bytes', '0', appArchive(folders)])).stderr, /at least one byte/);
});

here('a container tells its image, and inspect what it is asked for', async (t) => {
  await loadApp(t);
  const id = lab.newId();
  await lines('run', '-d', '--name', id, 'team/app:v1', 'sleep 1000');
  const [digest = ''] = await lines('images', '-q', '--no-trunc');
  t.is((await lab.table(['ps'])).get(id)?.[1], 'team/app:v1');
  t.like(readObject((await lab.call(['inspect', id])).stdout), { id, imageDigest: digest });
  t.like(readObject((await lab.call(['inspect', 'team/app:v1'])).stdout), { digest, platform: { os: 'linux' } });
  t.like(readObject((await lab.call(['inspect', '--type', 'image', digest.slice(7, 19)])).stdout), { digest });
  t.deepEqual(refusal(await lab.call(['inspect', 'no-such'])).slice(0, 2), [1, '']);
  t.regex((await lab.call(['inspect', 'no-such'])).stderr, /no container 'no-such', and .*image/);
  t.deepEqual(refusal(await lab.call(['inspect', '--type', 'container', 'team/app:v1'])).slice(0, 1), [125]);
  t.regex((await lab.call(['inspect', '--type', 'image', id])).stderr, /no image/);
  await lab.forget(id);
});

here('an image for another platform is looked at where that is named', async (t) => {
  const path = mkdtempSync(join(folders.scratch, 'far-'));
  const { image } = writeLayout(path, [packFolder(join(folders.image, 'etc'))], {}, undefined, 's390x');
  for (const command of ['inspect', 'history', 'layers']) {
    t.regex((await lab.call([command, `oci:${path}`])).stderr, /has no image for linux\/\w+: it is for linux\/s390x$/m, command);
    t.like(await lab.call([command, '--platform', 'linux/s390x', `oci:${path}`]), { code: 0, stderr: '' }, command);
  }
  const { digest } = image.manifest.descriptor;
  t.like(readObject((await lab.call(['inspect', '--platform', 's390x', digest])).stdout), { digest, platform: { architecture: 's390x' } });
  t.like(readObject((await lab.call(['inspect', digest])).stdout), { digest }, 'in the store, whatever it is for');
  t.regex((await lab.call(['inspect', '--platform', 'arm64', digest])).stderr, /no image for linux\/arm64: it is for linux\/s390x/);
  for (const words of [['--type', 'container'], ['--isolation']]) t.regex((await lab.call(['inspect', '--platform', 'arm64', ...words, 'x'])).stderr, /--platform says nothing of a container/);
});

here('explain tells name and digest, of the store that is named, and fetches nothing', async (t) => {
  await loadApp(t);
  const [digest = ''] = await lines('images', '-q', '--no-trunc');
  const told = await lab.call(['explain', 'team/app:v1']);
  t.regex(told.stdout, / execute .*arguments=sh -c/);
  t.true(told.stderr.includes(`image "team/app:v1", ${digest}`), told.stderr);
  const json = readObject((await lab.call(['explain', '--json', '--root-dir', lab.imageRoot, 'team/app:v1'])).stdout);
  t.like(json, { image: 'team/app:v1', imageDigest: digest });
  const elsewhere = await lab.call(['explain', '--root-dir', join(folders.scratch, 'none'), 'team/app:v1']);
  t.regex(elsewhere.stderr, /no image 'team\/app:v1' in the store/);
});

here('names are given and taken away; with the last one the image goes', async (t) => {
  await loadApp(t);
  const [digest = ''] = await lines('images', '-q', '--no-trunc');
  t.deepEqual(await lines('tag', 'team/app:v1', 'mine'), []);
  t.true((await lines('images', '--names')).includes('mine:latest'));
  t.deepEqual(await lines('rmi', 'mine'), ['Untagged: mine:latest']);
  const byDigest = await lab.call(['rmi', digest]);
  t.is(byDigest.code, 1, 'it has two names');
  t.deepEqual((await lines('rmi', '-f', digest)).sort(), [`Deleted: ${digest}`, 'Untagged: localhost:5000/app:v2', 'Untagged: team/app:v1']);
  t.deepEqual(await lines('images', '-q'), []);
  const missing = await lab.call(['rmi', 'team/app:v1', 'team/app:v2']);
  t.is(missing.code, 1);
  t.is(missing.stderr.match(/no image/g)?.length, 2, missing.stderr);
});

here('prune leaves what has a name or a container', async (t) => {
  await loadApp(t);
  const id = lab.newId();
  await lines('run', '-d', '--name', id, 'team/app:v1', 'sleep 1000');
  t.regex((await lines('prune'))[0] ?? '', /^Total reclaimed space: 0B$/);
  await lines('prune', '-a');
  t.is((await lab.tsrun(['exec', id, 'cat', '/etc/added'])).stdout, 'xxxxx', 'what a container uses stays');
  await lab.forget(id);
  t.regex((await lines('prune', '-a')).at(-1) ?? '', /^Total reclaimed space: [\d.]+MiB$/);
  t.deepEqual(await lines('images', '-q'), []);
});

here('history and layers say how an image was made, and what is wasted', async (t) => {
  await loadApp(t);
  const history = readObjects((await lab.call(['history', '--json', 'team/app:v1'])).stdout);
  t.deepEqual(history.map(({ createdBy, comment }) => [createdBy, comment]), [['RUN change', 'a change'], ['CMD echo', undefined], ['ADD root', undefined]]);
  t.regex((await lines('history', 'team/app:v1'))[0] ?? '', /^LAYER +CREATED +CREATED BY +SIZE +COMMENT$/);
  t.is((await lines('history', '-q', 'team/app:v1'))[1], '-');
  const layers = readObject((await lab.call(['layers', '--json', 'team/app:v1'])).stdout);
  t.is(layers['wastedBytes'], 1503);
  const told = (await lab.call(['layers', 'team/app:v1'])).stdout;
  t.regex(told, /8B +1 +1 +1 +- +RUN change/);
  t.regex(told, /1003B +2 +\/etc\/changed\n +500B +2 +\/etc\/removed/);
});

here('layers --ci passes or fails an image, by its exit code', async (t) => {
  await loadApp(t);
  const judged = async (...flags: string[]) => {
    const { code, stdout } = await lab.call(['layers', '--ci', '--highest-user-wasted-percent', '1', ...flags, 'team/app:v1']);
    return [code, stdout.trimEnd().split('\n').at(-1)];
  };
  // 1503 bytes of 8 above the lowest layer.
  t.is((await lab.call(['layers', '--ci', 'team/app:v1'])).code, 1);
  t.deepEqual(await judged('--highest-wasted-bytes', '1499'), [1, 'Result: FAIL']);
  t.deepEqual(await judged('--lowest-efficiency', '1'), [1, 'Result: FAIL']);
});

here('a threshold without --ci is refused, and errors are JSON for who asked for that', async (t) => {
  await loadApp(t);
  const refused = await lab.call(['layers', '--lowest-efficiency', '0.99', 'team/app:v1']);
  t.deepEqual([refused.code, refused.stdout], [125, '']);
  t.regex(refused.stderr, /says nothing without --ci/);
  for (const words of [['pull', '--json', '127.0.0.1:1/none'], ['load', '--json', '/no/such.tar'], ['rmi', '--json', 'nosuch'], ['layers', '--json', 'nosuch']]) {
    const { code, stderr } = await lab.tsrun(words);
    t.not(code, 0);
    t.is(typeof readObject(stderr)['error'], 'object', words.join(' '));
  }
});

here('a damaged record is warned of, and keeps the others from nothing', async (t) => {
  await loadApp(t);
  const [record = ''] = readdirSync(join(lab.imageRoot, 'images'));
  appendFileSync(join(lab.imageRoot, 'images', record), 'x');
  const heard = { stdout: '', stderr: '' };
  t.is((await lab.call(['images'], heard)).code, 0);
  t.regex(heard.stderr, /^tsrun: warning: the record of the image "(?:team\/app:v1|localhost:5000\/app:v2)" is damaged: pull or load it again\n$/);
  t.deepEqual(await lines('prune'), ['Total reclaimed space: 0B']);
  t.regex((await lab.call(['run', '--pull', 'never', 'team/app:v1'])).stderr, /is damaged/);
});

here('an image whose record is damaged can be removed by its name and its digest', async (t) => {
  await loadApp(t);
  const names = ['team/app:v1', 'localhost:5000/app:v2'];
  for (const file of readdirSync(join(lab.imageRoot, 'images'))) appendFileSync(join(lab.imageRoot, 'images', file), 'x');
  const said = [];
  for (const name of names) said.push(...(await lines('rmi', name)));
  t.deepEqual(said.filter((line) => line.startsWith('Untagged: ')).sort(), names.map((name) => `Untagged: ${name}`).sort());
  t.deepEqual(readdirSync(join(lab.imageRoot, 'images')), []);
  await loadApp(t);
  const [file = ''] = readdirSync(join(lab.imageRoot, 'images'));
  appendFileSync(join(lab.imageRoot, 'images', file), 'x');
  t.true((await lines('rmi', '-f', file.slice(0, 12))).includes(`Deleted: sha256:${file.replace('.json', '')}`));
});

here('an image is saved, and loaded into another store, by file and by pipe', async (t) => {
  await loadApp(t);
  const other = mkdtempSync(join(folders.scratch, 'other-'));
  const [digest = ''] = await lines('images', '-q');
  for (const [format, path] of [['docker-archive', 'saved.tar'], ['oci', 'layout'], ['oci', 'layout.tar']] as const) {
    const root = join(other, `store-of-${path}`);
    const file = join(other, path);
    t.deepEqual(await lines('save', '-q', '--format', format, '-o', file, 'team/app:v1'), []);
    t.deepEqual(await lines('load', '-q', '--root-dir', root, '-i', file), ['Loaded image: team/app:v1'], path);
    t.deepEqual(await lines('run', '--rm', '--root-dir', root, 'team/app:v1'), ['hello from /srv'], path);
  }
  t.deepEqual(await lines('load', '-q', join(other, 'saved.tar')), ['Loaded image: team/app:v1'], 'the other name that it has here is not told');
  const piped = await lab.shell(`$tsrun save -q team/app:v1 | $tsrun --root-dir '${other}/piped' load -q --name by/pipe:1; $tsrun --root-dir='${other}/piped' images -q --names`);
  t.deepEqual([piped.code, piped.stdout], [0, 'Loaded image: by/pipe:1\nby/pipe:1\n'], piped.stderr);
  t.is(digest.length, 12);
  t.deepEqual(refusal(await lab.call(['save', 'no/such', '-o', join(other, 'none.tar')])).slice(0, 2), [1, '']);
});

here('inspect, history and layers take files as run does, once, and no folder that is run as it is', async (t) => {
  const reference = `docker-archive:${appArchive(folders)}:team/app:v1`;
  const { importedAt, importedAtMs, names } = readObject((await lab.call(['inspect', '--type', 'image', reference])).stdout);
  t.deepEqual(names, [], 'it takes nobody\'s name');
  t.is(importedAt, new Date(Number(importedAtMs)).toISOString());
  t.is((await lines('history', '-q', reference)).length, 3);
  t.is(readObject((await lab.call(['inspect', reference])).stdout)['importedAtMs'], importedAtMs);
  t.regex((await lab.call(['layers', appArchive(folders)])).stdout, /RUN change/);
  t.is((await lines('images', '-q')).length, 1);
  t.regex((await lab.call(['history', lab.image])).stderr, /is not packed: it is run as it lies there/);
  t.regex((await lab.call(['inspect', 'docker-archive:/no/such.tar'])).stderr, /no container 'docker-archive:\/no\/such\.tar', and .*does not exist/);
});

here('no text of an image drives the terminal that it is shown on, or breaks a row', async (t) => {
  const text = `a\u0000b\u001b[2J\u009b31m${'\u001b[1m'.repeat(50)}\r\nc\u202ed\u0007\u2028`;
  const word = text.replaceAll('\0', '');
  const archive = saveImages(join(folders.scratch, 'hostile.tar'), {
    names: ['hostile:1'], layers: [makeImage(folders)], created: text,
    config: { Env: [`A=${word}`], Cmd: ['true', word], User: word, WorkingDir: word, StopSignal: word, Labels: { [word]: word }, ExposedPorts: { [word]: {} } },
    history: [{ created_by: text, comment: text, author: text, created: text }, { created_by: text, empty_layer: true }],
  });
  const commands = [
    ['load', archive], ['load', '--json', archive], ['images'], ['images', '--json'], ['history', 'hostile:1'], ['history', '--no-trunc', 'hostile:1'], ['history', '--json', 'hostile:1'],
    ['layers', 'hostile:1'], ['layers', '--json', 'hostile:1'], ['inspect', 'hostile:1'], ['explain', 'hostile:1'], ['run', '--rm', 'hostile:1'], ['run', '--rm', '--json', 'hostile:1'],
  ];
  for (const words of commands) {
    const { stdout, stderr } = await lab.call(words);
    t.notRegex(stdout + stderr, /[\0-\t\v-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/, words.join(' '));
    t.regex(stdout + stderr, /./);
  }
  const [head = '', ...rows] = await lines('history', 'hostile:1');
  t.is(rows.length, 2);
  const at = head.indexOf('CREATED BY');
  for (const row of rows) t.true(row.slice(at, at + 45).startsWith('a\ufffdb\\x1b[2J') && row.slice(at).indexOf('…') <= 45, row);
});

/** A registry with the image of an archive. */
here('what cannot be is refused', async (t) => {
  await loadApp(t);
  t.deepEqual(refusal(await lab.call(['load', '-i', 'x', 'y'])), [125, '', 'tsrun: two images to load: one by --input, and one by itself']);
  t.is((await lab.call(['load', join(folders.scratch, 'none.tar')])).code, 1);
  writeFileSync(join(folders.scratch, 'no-image'), 'text');
  t.is((await lab.call(['load', join(folders.scratch, 'no-image')])).code, 1);
  t.is((await lab.call(['tag', 'no/such', 'x'])).code, 1);
  t.is((await lab.call(['history', 'no/such'])).code, 1);
  t.is((await lab.call(['run', '--writable', 'team/app:v1', 'true'])).code, 125);
  t.is((await lab.call(['run', '--process', 'worker', 'team/app:v1'])).code, 125);
});

test.after.always(() => {
  folders.removeFolders();
});

lab.declareLeakTest();
