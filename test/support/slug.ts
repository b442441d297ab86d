/** Slugs as Heroku has them, and stacks small enough for many. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeImage } from './images.js';
import type { Lab } from './lab.js';

/** A tgz of `./app` with these files, in this folder: its path. */
export function makeSlug(parent: string, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(parent, 'slug-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, 'app', path, '..'), { recursive: true });
    writeFileSync(join(folder, 'app', path), text);
  }
  const file = join(folder, 'slug.tgz');
  const made = spawnSync('tar', ['-czf', file, './app'], { cwd: folder, encoding: 'utf8' });
  if (made.status !== 0) throw new Error(made.stderr);
  return `slug:${file}`;
}

const script = (text: string) => `#!/bin/busybox sh\n${text}\n`;

/** A shell that boots a slug's command and nothing else, and two programs: `serve` and `tick`. */
const stackFiles = {
  'bin/bash': script('[ $# -gt 3 ] && set -- -c "$4"\nexec /bin/busybox sh "$@"'),
  'bin/serve': script('exec /bin/busybox httpd -f -p $PORT'),
  'bin/tick': script('exec /bin/busybox sleep 1000'),
};

/** @param programs instead of those that it has, as scripts of the shell */
export function makeStack(lab: Pick<Lab, 'image' | 'scratch'>, name: string, programs: Readonly<Record<string, string>> = {}): string {
  const own = Object.fromEntries(Object.entries(programs).map(([program, text]) => [`bin/${program}`, script(text)]));
  return makeImage(lab, { files: { 'etc/stack': name, ...stackFiles, ...own }, mode: 0o755 });
}
