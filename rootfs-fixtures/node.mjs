// Node as its makers publish it, for any architecture that something is built for here.
import { cached, recipeKey } from './cache.mjs';
import { run, runShell } from './shell.mjs';

/** By Debian's name of the architecture. */
const names = { amd64: 'linux-x64', arm64: 'linux-arm64' };

/** The same release as here, with its headers: `bin/node`, `include/node`. */
export function nodeFor(architecture) {
  const name = names[architecture];
  if (name === undefined) throw new Error(`no Node is known for ${architecture}; there are ${Object.keys(names).join(', ')}`);
  const wanted = `node-${name}@${process.versions.node}`;
  return cached('nodes', architecture, recipeKey(wanted), (work) => {
    process.stderr.write(`fetching ${wanted}, once\n`);
    run('npm', ['pack', '--silent', '--pack-destination', work, wanted], { cwd: work });
    runShell('tar -xzf "$1"/*.tgz -C "$1" --strip-components=1 --wildcards "*/bin/node" "*/include/node/*" "*/LICENSE" && rm "$1"/*.tgz', work);
  });
}
