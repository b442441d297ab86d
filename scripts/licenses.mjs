// The licences of what is linked into the native part or bundled into the command, for the package that carries them along: as Debian
// and npm state them. NOTICE says which library is in which program.
import { copyFileSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { quickjs } from './quickjs.mjs';

const checkout = resolve(import.meta.dirname, '..');
const debian = (name) => `/usr/share/doc/${name}/copyright`;
const npm = (name, file) => join(checkout, 'node_modules', name, file);

const sources = {
  bzip2: debian('libbz2-dev'),
  glibc: debian('libc6-dev'),
  libarchive: debian('libarchive-dev'),
  liblzma: debian('liblzma-dev'),
  libseccomp: debian('libseccomp-dev'),
  openssl: debian('libssl-dev'),
  zlib: debian('zlib1g-dev'),
  zstd: debian('libzstd-dev'),
  'node-addon-api': npm('node-addon-api', 'LICENSE.md'),
  'path-browserify': npm('path-browserify', 'LICENSE'),
  'smol-toml': npm('smol-toml', 'LICENSE'),
  tar: npm('tar', 'LICENSE.md'),
  // What the above refer to.
  'LGPL-2.1': '/usr/share/common-licenses/LGPL-2.1',
  'Apache-2.0': '/usr/share/common-licenses/Apache-2.0',
};

export function writeLicenses(folder) {
  mkdirSync(folder, { recursive: true });
  for (const [name, file] of Object.entries({ ...sources, quickjs: join(quickjs(), 'copyright') })) copyFileSync(file, join(folder, `${name}.txt`));
}
