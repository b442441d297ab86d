// An apt of its own: the packages of any release for any architecture, without being root and without touching what the host knows of packages.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './shell.mjs';

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** A function that runs one of apt's commands; `folder` holds its lists, and is where `apt-get download` puts files. */
export function privateApt(folder, { mirror, suite, architecture }) {
  for (const path of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(folder, path), { recursive: true });
  writeFileSync(join(folder, 'sources.list'), `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`);
  const options = settings(folder, architecture);
  const apt = (command, ...args) => run(command, [...options, ...args], { cwd: folder });
  apt('apt-get', 'update', '-q');
  return apt;
}

/** The files of packages alone. */
export function download(folder, source, packages) {
  privateApt(folder, source)('apt-get', 'download', '-q', ...packages);
  return packageFiles(folder);
}

/** The files of packages and of all that they depend on; apt's patterns, such as `?essential`, name packages too. */
export function downloadWithDependencies(folder, source, packages) {
  privateApt(folder, source)('apt-get', 'install', '-q', '-y', '--no-install-recommends', '--download-only', ...packages);
  return packageFiles(join(folder, 'cache/archives'));
}

export function packageFiles(folder) {
  return readdirSync(folder).filter((file) => file.endsWith('.deb')).sort().map((file) => join(folder, file));
}

/** The host's apt settings (its proxy, above all) hold; its sources, lists and installed packages do not. */
function settings(folder, architecture) {
  const values = {
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Dir::Cache': join(folder, 'cache'),
    'Dir::Etc::SourceList': join(folder, 'sources.list'),
    'Dir::Etc::SourceParts': '-',
    'Dir::State::Lists': join(folder, 'lists'),
    'Dir::State::Status': '/dev/null',
  };
  return Object.entries(values).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}
