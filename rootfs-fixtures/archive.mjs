// Which distribution this host is and where apt gets it from: fixtures and kernels come from the same place.
import { readFileSync } from 'node:fs';
import { run } from './shell.mjs';

export function hostRelease() {
  const lines = readFileSync('/etc/os-release', 'utf8').matchAll(/^(\w+)="?([^"\n]*)"?$/gm);
  const fields = Object.fromEntries(Array.from(lines, ([, name, value]) => [name, value]));
  return { id: fields.ID ?? 'linux', codename: fields.VERSION_CODENAME ?? 'stable' };
}

/** Debian's name of it. */
export function hostArchitecture() {
  return process.arch === 'x64' ? 'amd64' : process.arch;
}

/** The mirror that apt uses for the host's own release. */
export function hostMirror() {
  const { TSRUN_MIRROR: own } = process.env;
  if (own) return own;
  const targets = run('apt-get', ['indextargets', '--format', '$(RELEASE) $(COMPONENT) $(REPO_URI)', 'Created-By: Packages']);
  const { codename } = hostRelease();
  const main = targets.split('\n').map((line) => line.split(' ')).find(([release, component]) => release === codename && component === 'main');
  if (!main) throw new Error(`apt has no source for ${codename} main; set TSRUN_MIRROR to the address of a mirror`);
  return main[2];
}

/** Kernels are Debian's on every host. */
export function debianMirror() {
  const { TSRUN_DEBIAN_MIRROR: own } = process.env;
  if (own) return own;
  if (hostRelease().id === 'debian') return hostMirror();
  throw new Error('this host is not Debian: set TSRUN_DEBIAN_MIRROR to the address of a Debian mirror');
}

/** Tools that do their own downloads do not read apt's proxy setting. */
export function proxyEnvironment() {
  const proxy = run('apt-config', ['shell', 'proxy', 'Acquire::http::Proxy']).match(/proxy='([^']+)'/)?.[1];
  return proxy && proxy !== 'DIRECT' ? { http_proxy: proxy, ...process.env } : { ...process.env };
}
