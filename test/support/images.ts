/** Small images that a test may spoil: the fixture's busybox, and what the test puts beside it. */
import { chmodSync, copyFileSync, existsSync, linkSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Of a lab: the fixture, and a folder for what is made. */
export interface ImagePlace {
  readonly image: string;
  readonly scratch: string;
}

export interface ImageParts {
  /** Programs of the fixture's /bin to copy, beside busybox. */
  readonly probes?: readonly string[];
  /** Folders that are there; `bin`, `etc` and `tmp` always are. */
  readonly folders?: readonly string[];
  /** Path in the image → target. */
  readonly links?: Readonly<Record<string, string>>;
  /** Path in the image → content; `mode` of all of them. */
  readonly files?: Readonly<Record<string, string>>;
  readonly mode?: number;
}

const applets = ['sh', 'cat', 'echo', 'ls', 'sleep', 'true', 'id', 'stat', 'readlink', 'touch', 'mkdir', 'mount', 'dd', 'grep', 'head', 'kill', 'test', 'find', 'rm', 'ln', 'wc'];

/** One copy of a program for all images of a lab: they may be hundreds. */
function copyOnce(lab: ImagePlace, program: string): string {
  const folder = join(lab.scratch, 'programs');
  const copy = join(folder, program);
  mkdirSync(folder, { recursive: true });
  if (!existsSync(copy)) copyFileSync(join(lab.image, 'bin', program), copy);
  return copy;
}

export function makeImage(lab: ImagePlace, { probes = [], folders = [], links = {}, files = {}, mode = 0o644 }: ImageParts = {}): string {
  const root = mkdtempSync(join(lab.scratch, 'image-'));
  chmodSync(root, 0o755);
  for (const folder of ['bin', 'etc', 'tmp', ...folders]) mkdirSync(join(root, folder), { recursive: true });
  chmodSync(join(root, 'tmp'), 0o1777);
  for (const program of ['busybox', ...probes]) linkSync(copyOnce(lab, program), join(root, 'bin', program));
  for (const applet of applets) symlinkSync('busybox', join(root, 'bin', applet));
  for (const [path, target] of Object.entries(links)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    symlinkSync(target, join(root, path));
  }
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
    chmodSync(join(root, path), mode);
  }
  return root;
}
