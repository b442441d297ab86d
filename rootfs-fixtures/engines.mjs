// `node rootfs-fixtures/engines.mjs` prints a folder with containerd and dockerd as Debian has them. They are unpacked, not installed: their
// packages start services, and would remove another Docker that somebody uses.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostArchitecture, hostRelease } from './archive.mjs';
import { cached, recipeKey } from './cache.mjs';
import { unpack } from './foreign.mjs';
import { aptPackages, ensurePackages } from './packages.mjs';

// What docker-init is a link to stands in a package of its own.
const daemons = ['containerd', 'docker.io', 'tini'];

ensurePackages(aptPackages('engines'));
const key = recipeKey(readFileSync(import.meta.filename), hostRelease().codename, hostArchitecture());
const entry = cached('engines', 'daemons', key, (work) => {
  mkdirSync(join(work, 'root'));
  unpack(join(work, 'root'), hostArchitecture(), daemons);
});
process.stdout.write(`${join(entry, 'root')}\n`);
