// Applications in the forms that they come in, each packed by a tool that is not ours, for any architecture and without running a word of its code:
//   stack/       an OCI layout by umoci: `debian`, a stack as a platform has it
//   web.tgz      a slug by GNU tar: a Node web app with its packages, and Node itself where Heroku's buildpack puts it
//   python.tar   a docker-archive by buildah, built upon the stack: `team/python:1`
//   site/        an OCI layout by umoci: `v1`, busybox's web server with a page
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { recipeKey } from './cache.mjs';
import { nodeFor } from './node.mjs';
import { run } from './shell.mjs';

const sources = join(import.meta.dirname, 'applications');
const created = '2026-01-31T12:00:00Z';
const createdSeconds = `${Date.parse(created) / 1000}`;

export const packages = 'image-tools';
export const parts = ['busybox', 'debian'];

export function key(architecture, roots) {
  const files = readdirSync(sources, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((file) => join(file.parentPath, file.name)).sort();
  const contents = paths.flatMap((path) => [path.slice(sources.length), readFileSync(path)]);
  return recipeKey(readFileSync(import.meta.filename), process.versions.node, ...Object.values(roots), ...contents);
}

export function build(folder, architecture, roots) {
  if (process.getuid() !== 0) throw new Error('these images have files of several owners: build this fixture as root');
  process.stderr.write('packing applications as images, once; this takes half a minute\n');
  layout(join(folder, 'stack'), 'debian', architecture, [[roots.debian, '/']], ['--config.env', 'PATH=/usr/bin:/bin', '--config.env', 'STACK=debian', '--config.cmd', 'bash']);
  const server = ['httpd', '-f', '-v', '-p', '8080', '-h', '/srv/www'].flatMap((word) => ['--config.entrypoint', word]);
  layout(join(folder, 'site'), 'v1', architecture, [[roots.busybox, '/'], [join(sources, 'site'), '/srv/www']], [...server, '--config.user', 'app', '--config.exposedports', '8080/tcp']);
  slug(folder, architecture);
  dockerArchive(folder, architecture);
}

/** A layer for each of [source, place]. */
function layout(path, tag, architecture, layers, config) {
  const image = `${path}:${tag}`;
  run('umoci', ['init', '--layout', path]);
  run('umoci', ['new', '--image', image]);
  for (const layer of layers) run('umoci', ['insert', '--history.created', created, '--image', image, ...layer]);
  run('umoci', ['config', '--image', image, '--os', 'linux', '--architecture', architecture, '--created', created, '--history.created', created, ...config]);
  run('umoci', ['gc', '--layout', path]);
}

function slug(folder, architecture) {
  const work = join(folder, 'slug');
  const app = join(work, 'app');
  cpSync(join(sources, 'web'), app, { recursive: true });
  run('npm', ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: app });
  mkdirSync(join(app, '.heroku/node/bin'), { recursive: true });
  cpSync(join(nodeFor(architecture), 'bin/node'), join(app, '.heroku/node/bin/node'));
  run('tar', ['--sort=name', `--mtime=@${createdSeconds}`, '--owner=0', '--group=0', '--numeric-owner', '-C', work, '-czf', join(folder, 'web.tgz'), './app']);
  rmSync(work, { recursive: true });
}

function dockerArchive(folder, architecture) {
  const work = join(folder, 'buildah');
  // Not overlay: it cannot lie on the overlay that a container of CI has as its root.
  const storage = ['--root', join(work, 'storage'), '--runroot', join(work, 'run'), '--storage-driver', 'vfs'];
  const buildah = (...args) => run('buildah', [...storage, ...args], { cwd: folder }).trim();
  // By its path from here: it makes the name of the image that it is, and that has no capitals.
  const container = buildah('from', '--arch', architecture, 'oci:stack:debian');
  buildah('copy', '--quiet', container, join(sources, 'python'), '/srv/python');
  buildah(
    'config', '--entrypoint', '["python3", "app.py"]', '--cmd', '8000', '--workingdir', '/srv/python', '--user', 'app:daemon', '--env', 'GREETING=hello from Python',
    '--port', '8000/tcp', '--stop-signal', 'SIGINT', '--label', 'team=web', '--healthcheck', 'CMD python3 check.py 8000', '--healthcheck-interval', '5s', container,
  );
  // Only docker's own format has a place for a health check.
  buildah('commit', '--quiet', '--format', 'docker', '--timestamp', createdSeconds, container, 'docker-archive:python.tar:team/python:1');
  buildah('rm', container);
  rmSync(work, { recursive: true });
}
