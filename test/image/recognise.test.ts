import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'ava';
import { hintOfPath, recognise, type ImagePlace } from '../../src/image/recognise.js';
import { wholeName } from '../../src/image/reference.js';
import { TsrunError, type ErrorCode } from '../../src/spec/errors.js';

const base = realpathSync(mkdtempSync(join(tmpdir(), 'tsrun-recognise-')));
const home = process.cwd();
process.chdir(base);
test.after.always(() => {
  process.chdir(home);
  rmSync(base, { recursive: true, force: true });
});

for (const [path, text] of [
  ['root/etc/passwd', ''], ['bundle/config.json', '{"ociVersion":"1.2.0","root":{"path":"../root"}}'], ['layout/oci-layout', '{}'], ['docker/manifest.json', '[]'],
  ['skopeo/manifest.json', '{}'], ['skopeo/version', ''], ['image.tar', 'x'], ['a:b/oci-layout', '{}'], ['alpine/etc/', ''], ['program/app', 'x'], ['odd/readme', ''],
] as const) {
  mkdirSync(join(base, path.endsWith('/') ? path : dirname(path)), { recursive: true });
  if (!path.endsWith('/')) writeFileSync(join(base, path), text);
}
chmodSync(join(base, 'program/app'), 0o755);
symlinkSync('loop', join(base, 'loop'));
const id = 'a1'.repeat(32);

/** In one line. */
function shown(place: ImagePlace): string {
  switch (place.kind) {
    case 'folder':
      return `${place.image.kind} ${place.image.rootPath.replace(base, '')}`;
    case 'source':
      return [place.source.form, place.source.path.replace(base, ''), ...(place.name === undefined ? [] : [place.name])].join(' ');
    case 'registry':
      return `registry ${wholeName(place.reference)}`;
    case 'name':
      return ['name', ...(place.reference === undefined ? [] : [wholeName(place.reference)]), ...(place.idPrefix === undefined ? [] : [`id ${place.idPrefix}`])].join(' ');
  }
}

test('what is meant', async (t) => {
  const rows: [text: string, meant: string][] = [
    ['./root', 'rootfs /root'], ['root', 'rootfs /root'], [join(base, 'root'), 'rootfs /root'], ['bundle', 'bundle /root'], ['program', 'rootfs /program'],
    ['alpine', 'rootfs /alpine'], ['alpine:3.20', 'name docker.io/library/alpine:3.20'],
    ['layout', 'oci /layout'], ['./layout', 'oci /layout'], ['./layout:v1', 'oci /layout v1'], ['docker', 'docker-archive /docker'], ['skopeo', 'dir /skopeo'],
    ['image.tar', 'any image.tar'], ['./image.tar:app:1', 'any ./image.tar app:1'], ['/dev/null', 'any /dev/null'], ['./a:b', 'oci /a:b'], ['./a:b:v1', 'oci /a:b v1'],
    ['oci:layout', 'oci layout'], ['oci:layout:v1', 'oci layout v1'], ['oci:./layout:team/app:v1', 'oci ./layout team/app:v1'], ['oci:a:b:v1', 'oci a:b v1'], ['oci:a:b', 'oci a:b'],
    ['oci:layout:', 'oci layout'], ['oci:none:v1', 'oci none v1'], ['oci:none', 'oci none'], ['oci-archive:image.tar:x', 'oci-archive image.tar x'],
    ['docker-archive:image.tar:app:1', 'docker-archive image.tar app:1'], ['docker-archive:image.tar:@1', 'docker-archive image.tar @1'], ['dir:skopeo', 'dir skopeo'],
    ['slug:image.tar', 'slug image.tar'], ['rootfs:odd', 'rootfs /odd'], ['rootfs:/', 'rootfs /'], ['bundle:bundle', 'bundle /root'],
    ['docker://busybox', 'registry docker.io/library/busybox:latest'], ['docker://localhost:5000/a/b@sha256:' + id, `registry localhost:5000/a/b@sha256:${id}`],
    ['busybox', 'name docker.io/library/busybox:latest'], ['host:5000/team/app:2', 'name host:5000/team/app:2'], ['docker:27', 'name docker.io/library/docker:27'],
    ['cafe', 'name docker.io/library/cafe:latest id cafe'], ['abc', 'name docker.io/library/abc:latest'], [id, `name id ${id}`], [`sha256:${id}`, `name id ${id}`],
    ['sha256:a1a1a1', 'name id a1a1a1'],
  ];
  for (const [text, meant] of rows) t.is(shown(await recognise(text)), meant, text);
  t.is(shown(await recognise('layout', { kind: 'rootfs' })), 'rootfs /layout');
});

test('what means nothing is told by what was looked for', async (t) => {
  const rows: [text: string, message: RegExp, code?: ErrorCode][] = [
    ['', /path of the image is empty/],
    ['a\0b', /holds a NUL/],
    ['./none', /^image '\.\/none' does not exist$/],
    ['/none/x', /does not exist$/],
    ['~/image', /^image '~\/image' does not exist$/],
    ['./none:v1', /^image '\.\/none:v1' does not exist$/],
    ['./root:v1', /does not exist$/],
    ['./loop', /leads to itself/],
    ['odd', /^image 'odd' is neither a root file system nor an OCI bundle nor a folder of images: looked for config\.json, oci-layout and manifest\.json, for \/bin/],
    ['No Such', /^there is no image 'No Such': no file or folder is called so, and as a name it is none: 'No Such' may hold/],
    ['team/App', /as a name it is none: 'App' must be in lower case/],
    ['image.tar/x:y:z', /no file or folder is called so/],
    ['oci:', /'oci:' does not say where the image is/, 'ERR_TSRUN_INVALID_ARGUMENT'],
    ['slug:', /does not say where/, 'ERR_TSRUN_INVALID_ARGUMENT'],
    ['docker://', /is not the name of an image: it is empty/, 'ERR_TSRUN_INVALID_ARGUMENT'],
    ['docker://No', /must be in lower case/, 'ERR_TSRUN_INVALID_ARGUMENT'],
    ['docker-daemon:alpine:3', /lies with another engine/, 'ERR_TSRUN_INVALID_ARGUMENT'],
    ['containers-storage:x', /lies with another engine/, 'ERR_TSRUN_INVALID_ARGUMENT'],
    ['rootfs:none', /^image 'none' does not exist$/],
    ['bundle:root', /config\.json' does not exist/],
    ['x'.repeat(5000), /there is no image 'x{300}…': no file or folder is called so/],
  ];
  for (const [text, message, code = 'ERR_TSRUN_IMAGE'] of rows) {
    const error = await t.throwsAsync(recognise(text), { instanceOf: TsrunError, message }, text);
    t.is(error.code, code, text);
    t.truthy(error.hint, text);
  }
});

test('who leaves out the dot before the path of a file, and names an image in it, is told so', async (t) => {
  const { hint } = await t.throwsAsync(recognise('image.tar:x:y'), { instanceOf: TsrunError });
  t.is(hint, "'image.tar' is there: if an image in it is meant, start the path with a dot: ./image.tar:x:y");
  t.is(await hintOfPath('layout:v1'), "'layout' is there: if an image in it is meant, start the path with a dot: ./layout:v1");
  for (const text of ['none:v1', 'image.tar', 'none']) t.is(await hintOfPath(text), undefined, text);
});
