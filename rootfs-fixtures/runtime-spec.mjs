// `node rootfs-fixtures/runtime-spec.mjs` prints the folder with the runtime-spec's own JSON schemas, which tests compare the validator with. They are
// Debian's package of 13, checked by apt. TSRUN_RUNTIME_SPEC names the folder of another version (`schema/` of a checkout).
import { cpSync, mkdirSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { download } from './apt.mjs';
import { debianMirror, hostArchitecture } from './archive.mjs';
import { cached, recipeKey } from './cache.mjs';
import { run } from './shell.mjs';

const suite = 'trixie';
const packageName = 'golang-github-opencontainers-specs-dev';
const version = '1.2.0-2';

export function runtimeSpec() {
  const { TSRUN_RUNTIME_SPEC: own } = process.env;
  return own || cached('runtime-spec', version, recipeKey(suite, version), (folder) => {
    const work = join(folder, 'work');
    mkdirSync(work);
    const [file] = download(work, { mirror: debianMirror(), suite, architecture: hostArchitecture() }, [`${packageName}=${version}`]);
    run('dpkg-deb', ['-x', file, join(work, 'files')]);
    cpSync(join(work, 'files/usr/share/gocode/src/github.com/opencontainers/runtime-spec/schema'), folder, { recursive: true });
    rmSync(work, { recursive: true });
  });
}

if (process.argv[1] && realpathSync(process.argv[1]) === import.meta.filename) process.stdout.write(`${runtimeSpec()}\n`);
