// The first user space of a guest: static busybox, the modules of the emulated machine, and the two guest scripts.
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { busyboxFor } from '../../rootfs-fixtures/busybox.mjs';
import { cached, recipeKey } from '../../rootfs-fixtures/cache.mjs';
import { run, runShell } from '../../rootfs-fixtures/shell.mjs';

const scripts = ['init.sh', 'session.sh'].map((name) => join(import.meta.dirname, 'guest', name));
// What the guest cannot start without. Everything else the kernel loads by itself, later, from its whole tree of modules.
const early = ['virtio_pci', '9pnet_virtio', '9p', 'overlay', 'qemu_fw_cfg', 'virtio_blk', 'ext4', 'virtio_console'];

export function initramfsFor(kernel, architecture) {
  const busybox = busyboxFor(architecture);
  const key = recipeKey(readFileSync(import.meta.filename), kernel.modules, ...[busybox, ...scripts].map((file) => readFileSync(file)));
  return join(cached('initramfs', kernel.version, key, (work) => build(work, kernel, busybox)), 'initramfs');
}

function build(work, kernel, busybox) {
  const root = join(work, 'root');
  for (const folder of ['bin', 'dev', 'proc', 'sys', 'modules', 'host', 'memory', 'root']) mkdirSync(join(root, folder), { recursive: true });
  copyFileSync(busybox, join(root, 'bin/busybox'));
  symlinkSync('busybox', join(root, 'bin/sh'));
  for (const script of scripts) copyFileSync(script, join(root, basename(script, '.sh')));
  chmodSync(join(root, 'init'), 0o755);
  writeFileSync(join(root, 'modules/order'), copyModules(kernel, join(root, 'modules')).map((name) => `${name}\n`).join(''));
  runShell('cd "$1" && find . | cpio --quiet -o -H newc -R 0:0 >"$2"', root, join(work, 'initramfs'));
  rmSync(root, { recursive: true });
}

function copyModules(kernel, folder) {
  const order = new Set();
  for (const name of early) {
    const lines = run('modprobe', ['-d', kernel.modules, '-S', kernel.version, '--show-depends', name]);
    for (const [, file] of lines.matchAll(/^insmod (\S+)/gm)) {
      copyFileSync(file, join(folder, basename(file)));
      order.add(basename(file));
    }
  }
  return [...order];
}
