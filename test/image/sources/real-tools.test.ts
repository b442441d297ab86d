/** Sources that tools made which are not ours, each compared with what the tool says of it or with what went into it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '../../../src/image/documents/digest.js';
import { hostPlatform } from '../../../src/image/documents/platform.js';
import type { OfferedImage } from '../../../src/image/offer.js';
import { openSource, type SourceForm } from '../../../src/image/sources/open-source.js';
import { needs } from '../../support/needs.js';
import { contentOf, folderOf, newFolder, options, tarOf } from './lab.js';

function run(command: string, args: readonly string[], cwd = newFolder()): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, STORAGE_DRIVER: 'vfs', BUILDAH_ISOLATION: 'chroot' } });
}

/** A layout of one image of two layers, tag `v1`. */
function umociLayout(): string {
  const folder = newFolder();
  const umoci = (...args: string[]): string => run('umoci', args, folder);
  umoci('init', '--layout', 'layout');
  umoci('new', '--image', 'layout:v1');
  for (const name of ['one', 'two']) {
    const tree = folderOf({ [`etc/${name}`]: name, 'etc/same': name });
    umoci('insert', '--rootless', '--image', 'layout:v1', tree, '/tree');
  }
  umoci('config', '--image', 'layout:v1', '--config.cmd', '/bin/app', '--config.env', 'A=b', '--config.user', '1000:1000', '--architecture', hostPlatform().architecture, '--os', 'linux');
  return join(folder, 'layout');
}

async function openOne(path: string, changes: Parameters<typeof options>[0] = {}, form: SourceForm = 'any'): Promise<OfferedImage> {
  const [image, ...more] = await openSource({ form, path }, options(changes));
  if (image === undefined || more.length > 0) throw new Error(`${path} holds ${more.length + 1} images`);
  return image;
}

async function plainLayers(image: OfferedImage): Promise<string[]> {
  const found: string[] = [];
  for (const layer of image.layers) {
    const { descriptor } = layer;
    const bytes = await contentOf(layer);
    if (digestOf(bytes) !== descriptor.digest || bytes.length !== descriptor.size) throw new Error(`${descriptor.digest} is not that of the layer`);
    const packing = /gzip|zstd/.exec(descriptor.mediaType)?.[0];
    found.push(digestOf(packing === undefined ? bytes : execFileSync(packing, ['-dc'], { input: bytes, maxBuffer: 2 ** 28 })));
  }
  return found;
}

let source: string | undefined;
const layout = (): string => (source ??= umociLayout());

needs('command:umoci')('a layout that umoci made', async (t) => {
  const image = await openOne(layout(), { name: 'v1' });
  t.like(image.config.value.config, { Cmd: ['/bin/app'], User: '1000:1000' });
  t.is(image.layers.length, 2);
  t.deepEqual(await plainLayers(image), [...image.config.value.rootfs.diff_ids]);
  const { manifests } = JSON.parse(readFileSync(join(layout(), 'index.json'), 'utf8')) as { manifests: { digest: string }[] };
  t.deepEqual(manifests.map(({ digest }) => digest), [image.manifest.descriptor.digest]);
  await image.close();
});

const targets: readonly (readonly [target: string, form: SourceForm, args?: readonly string[]])[] = [
  ['oci:copy:v2', 'oci'], ['oci-archive:copy', 'oci-archive'], ['docker-archive:copy:app:1', 'docker-archive'], ['dir:copy', 'dir'],
  ['oci:copy:v2', 'oci', ['--dest-compress-format', 'zstd', '--dest-compress']], ['dir:copy', 'dir', ['--dest-decompress']],
  ['dir:copy', 'dir', ['--format', 'v2s2']], ['oci-archive:copy', 'oci-archive', ['--dest-decompress']],
];
for (const [target, form, args = []] of targets) {
  needs('command:umoci', 'command:skopeo')(`what skopeo copies to ${[target, ...args].join(' ')}`, async (t) => {
    const folder = newFolder();
    run('skopeo', ['copy', '--insecure-policy', ...args, `oci:${layout()}:v1`, target], folder);
    const original = await openOne(layout());
    await original.close();
    for (const each of ['any', form] as const) {
      const image = await openOne(join(folder, 'copy'), {}, each);
      t.deepEqual(image.config.value.rootfs.diff_ids, original.config.value.rootfs.diff_ids);
      t.deepEqual(await plainLayers(image), [...image.config.value.rootfs.diff_ids]);
      t.like(image.config.value.config, { Cmd: ['/bin/app'], User: '1000:1000' });
      if (form === 'docker-archive') t.deepEqual(image.names, ['docker.io/library/app:1']);
      await image.close();
    }
  });
}

needs('command:umoci', 'command:skopeo')('several images in one layout, by umoci and skopeo', async (t) => {
  const folder = newFolder();
  run('cp', ['-r', layout(), 'original'], folder);
  run('umoci', ['config', '--image', 'original:v1', '--tag', 'v2', '--config.cmd', '/bin/two'], folder);
  for (const tag of ['1', '2']) run('skopeo', ['copy', '--insecure-policy', `oci:original:v${tag}`, `oci:copy:docker.io/library/app:${tag}`], folder);
  const images = await openSource({ form: 'any', path: join(folder, 'copy') }, options({ choose: 'all' }));
  t.deepEqual(images.map(({ names }) => names), [['docker.io/library/app:1'], ['docker.io/library/app:2']]);
  t.not(images[0]?.manifest.descriptor.digest, images[1]?.manifest.descriptor.digest);
  const chosen = await openOne(join(folder, 'copy'), { name: 'app:2' });
  t.deepEqual(chosen.manifest, images[1]?.manifest);
  await Promise.all([chosen, ...images].map((each) => each.close()));
});

needs('command:umoci', 'command:skopeo')('several images in one docker-archive, with the layers that they share once, by skopeo', async (t) => {
  const folder = newFolder();
  // skopeo refuses to add to an archive: two are unpacked into one, as GNU tar allows.
  for (const name of ['a', 'b']) run('skopeo', ['copy', '--insecure-policy', `oci:${layout()}:v1`, `docker-archive:${name}.tar:${name}:1`], folder);
  const [first, second] = ['a', 'b'].map((name) => run('tar', ['-xOf', `${name}.tar`, 'manifest.json'], folder)).map((text) => (JSON.parse(text) as object[])[0]);
  run('tar', ['-xf', 'a.tar'], folder);
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify([first, second]));
  run('sh', ['-c', 'tar -cf both.tar manifest.json repositories *.json $(ls | grep -v both.tar | grep -v "^[ab].tar$" | grep -v json$ | grep -v repositories)'], folder);
  const image = await openOne(join(folder, 'both.tar'), { name: 'b:1' });
  t.deepEqual(await plainLayers(image), [...image.config.value.rootfs.diff_ids]);
  await image.close();
});

needs('root', 'command:buildah')('an image that buildah built, as layout and docker-archive', async (t) => {
  const folder = newFolder();
  const storage = ['--root', join(folder, 'storage'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs'];
  const buildah = (...args: string[]): string => run('buildah', [...storage, ...args], folder).trim();
  const container = buildah('from', 'scratch');
  const mounted = buildah('mount', container);
  mkdirSync(join(mounted, 'etc'));
  writeFileSync(join(mounted, 'etc/built'), 'by buildah');
  buildah('config', '--entrypoint', '["/app"]', '--volume', '/data', '--label', 'a=b', '--workingdir', '/w', '--port', '80/tcp', container);
  buildah('umount', container);
  buildah('commit', container, 'built:3');
  buildah('push', 'built:3', 'oci:layout:v3');
  buildah('push', 'built:3', 'docker-archive:built.tar:built:3');
  buildah('push', '--format', 'docker', 'built:3', 'oci-archive:docker.tar');
  for (const [path, names] of [['layout', []], ['built.tar', ['docker.io/library/built:3']], ['docker.tar', []]] as const) {
    const image = await openOne(join(folder, path));
    t.like(image.config.value.config, { Entrypoint: ['/app'], WorkingDir: '/w' });
    t.deepEqual(Object.keys(image.config.value.config?.Volumes ?? {}), ['/data']);
    for (const name of names) t.true(image.names.includes(name));
    t.deepEqual(await plainLayers(image), [...image.config.value.rootfs.diff_ids]);
    await image.close();
  }
});

const formats = ['gnu', 'oldgnu', 'pax', 'posix', 'ustar', 'v7'];
const tars: readonly (readonly [needed: 'command:tar' | 'command:python3' | 'command:bsdtar', command: string, args: readonly string[]])[] = [
  ...formats.map((format) => ['command:tar', 'tar', ['-cf', 'OUT', `--format=${format}`, '.']] as const),
  ...['USTAR', 'GNU', 'PAX'].map((format) => ['command:python3', 'python3', ['-c', `import tarfile; t = tarfile.open("OUT", "w", format=tarfile.${format}_FORMAT); t.add(".", arcname=""); t.close()`]] as const),
  ...['ustar', 'pax', 'gnutar'].map((format) => ['command:bsdtar', 'bsdtar', ['-cf', 'OUT', '--format', format, '.']] as const),
];
for (const [needed, command, args] of tars) {
  needs('command:umoci', needed)(`a layout that ${command} put into a tar: ${args.filter((arg) => arg.includes('format')).join(' ')} ${args.at(-2) ?? ''}`, async (t) => {
    const path = join(newFolder(), 'layout.tar');
    run(command, args.map((arg) => arg.replace('OUT', path)), layout());
    const image = await openOne(path);
    t.deepEqual(await plainLayers(image), [...image.config.value.rootfs.diff_ids]);
    await image.close();
  });
}

needs('command:tar', 'command:umoci')('names that are longer than a header holds, and files with holes', async (t) => {
  for (const format of ['gnu', 'pax']) {
    const folder = newFolder();
    const deep = `${'d'.repeat(90)}/${'e'.repeat(120)}/${'ü'.repeat(40)}`;
    mkdirSync(join(folder, deep), { recursive: true });
    const config = execFileSync('cat', [join(layout(), 'blobs/sha256', (await openOne(layout())).config.descriptor.digest.slice(7))]);
    const layers = (JSON.parse(String(config)) as { rootfs: { diff_ids: string[] } }).rootfs.diff_ids;
    writeFileSync(join(folder, deep, 'config.json'), config);
    writeFileSync(join(folder, deep, 'layer'), tarOf([]));
    run('ln', ['-s', `../../../${deep}/layer`, join(folder, deep, 'link'.repeat(30))]);
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify([{ Config: `${deep}/config.json`, Layers: layers.map(() => `${deep}/${'link'.repeat(30)}`) }]));
    run('tar', ['-cf', 'x.tar', `--format=${format}`, deep, 'manifest.json'], folder);
    const image = await openOne(join(folder, 'x.tar'));
    t.deepEqual(image.layers.map(({ descriptor }) => descriptor.size), [1024, 1024]);
    await image.close();
    run('truncate', ['-s', '1M', join(folder, deep, 'layer')]);
    run('tar', ['-cSf', 'x.tar', `--format=${format}`, deep, 'manifest.json'], folder);
    await t.throwsAsync(openOne(join(folder, 'x.tar')), { message: /is a sparse file, not a regular file/ });
  }
});
