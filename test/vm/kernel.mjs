// A distribution kernel with its modules, fetched by an apt of its own: any host can get any release's kernel, without being root.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFiles, privateApt } from '../../rootfs-fixtures/apt.mjs';
import { debianMirror } from '../../rootfs-fixtures/archive.mjs';
import { cached, recipeKey } from '../../rootfs-fixtures/cache.mjs';
import { run, runShell } from '../../rootfs-fixtures/shell.mjs';
import { uncompressed } from './boot-image.mjs';

// Hardware that no emulated machine has is four fifths of the modules.
const hardware = ['ata', 'bluetooth', 'comedi', 'gpu', 'hid', 'hwmon', 'iio', 'infiniband', 'input', 'isdn', 'media', 'mmc', 'mtd', 'net/ethernet', 'net/wireless', 'platform', 'scsi', 'staging', 'usb', 'video'];
const unwanted = [...hardware.map((name) => `kernel/drivers/${name}`), 'kernel/sound'];

/** { version, image, modules }: `modules` is a folder that holds lib/modules/<version>. */
export function kernelFor({ kernel, architecture }) {
  const key = recipeKey(readFileSync(import.meta.filename), architecture, JSON.stringify(kernel));
  const folder = cached('kernels', `${kernel.suite}-${architecture}`, key, (work) => fetchKernel(work, kernel, architecture));
  return describe(folder);
}

function describe(folder) {
  const [version] = readdirSync(join(folder, 'lib/modules'));
  return { version, image: join(folder, 'kernel'), modules: folder };
}

function fetchKernel(work, kernel, architecture) {
  process.stderr.write(`fetching ${kernel.package} of ${kernel.suite}, once\n`);
  const packageFile = download(join(work, 'apt'), kernel, architecture);
  const excluded = unwanted.map((path) => `--exclude=./*/lib/modules/*/${path} --exclude=./lib/modules/*/${path}`).join(' ');
  runShell(`dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --wildcards ${excluded} '*/lib/modules/*' './boot/*'`, packageFile, work);
  arrange(work);
}

/** lib/modules/<version> and the kernel, whatever the package's own layout; modules not compressed, so that busybox can load them. */
function arrange(work) {
  rmSync(join(work, 'apt'), { recursive: true, force: true });
  runShell('if [ -d "$1/usr/lib" ]; then mv "$1/usr/lib" "$1/lib"; fi; find "$1/lib" -name "*.ko.xz" -exec xz -d {} +', work);
  const image = readdirSync(join(work, 'boot')).find((file) => file.startsWith('vmlinuz-'));
  writeFileSync(join(work, 'kernel'), uncompressed(readFileSync(join(work, 'boot', image))));
  rmSync(join(work, 'boot'), { recursive: true, force: true });
  run('depmod', ['-b', work, image.slice('vmlinuz-'.length)]);
}

function download(folder, kernel, architecture) {
  const apt = privateApt(folder, { mirror: debianMirror(), suite: kernel.suite, architecture });
  const dependency = apt('apt-cache', 'depends', kernel.package).match(/Depends: (linux-image-\S+)/);
  apt('apt-get', 'download', '-q', dependency?.[1] ?? kernel.package);
  return packageFiles(folder)[0];
}
