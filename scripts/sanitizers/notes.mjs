// Where programs that watch themselves write what they find. None of them has a standard error that anybody reads.
import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, ftruncateSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

const roomBytes = 2 ** 20;
/** How much is written stands before it. */
const headerBytes = 8;
/** The launcher of a test that traces it: where it is traced, leaks cannot be looked for. */
const traced = /^==\d+==LeakSanitizer has encountered a fatal error\.\n==\d+==HINT: .*\n==\d+==HINT: LeakSanitizer does not work under ptrace .*\n/gm;

/** Shared memory, which reaches where no file does (native/checks/sanitizer_notes.cc). */
export class SharedNotes {
  #build;
  #path;

  /** @param build the folder of the build, whose programs write here */
  constructor(build) {
    this.#build = build;
    this.#path = join(build, 'notes');
  }

  clear() {
    const file = openSync(this.#path, 'w');
    ftruncateSync(file, roomBytes);
    closeSync(file);
    // Launchers of ordinary users write, too.
    chmodSync(this.#path, 0o666);
  }

  /** A launcher looks for what it has not freed when its last client has gone; one that lives on for half a minute is a test's to find. */
  async settled() {
    await until(() => !isMapped(this.#path));
  }

  /** What was written since it was cleared, with the places named; '' is good. */
  read() {
    const bytes = readFileSync(this.#path);
    const size = Math.min(Number(bytes.readBigUInt64LE(0)), roomBytes - headerBytes);
    return this.#nameInsides(bytes.toString('utf8', headerBytes, headerBytes + size).replace(traced, '').trim());
  }

  #nameInsides(text) {
    return text.replace(/^.*\(\/memfd:tsrun \(deleted\)\+(0x[0-9a-f]+)\).*$|^.*\(\S*\/(tsrun-\w+)\+(0x[0-9a-f]+)\).*$/gm, (line, ofLauncher, program, offset) => {
      const place = spawnSync('addr2line', ['-Cfpse', join(this.#build, program ?? 'tsrun-launcher'), ofLauncher ?? offset], { encoding: 'utf8' });
      return place.status === 0 ? `    ${place.stdout.trimEnd()}` : line;
    });
  }
}

/** A folder, with a file of each process. */
export class FolderNotes {
  #path;
  #program;

  /** @param program what the processes run, as their /proc/<pid>/cmdline names it */
  constructor(build, program) {
    this.#path = join(build, 'notes');
    this.#program = program;
  }

  get path() {
    return this.#path;
  }

  clear() {
    rmSync(this.#path, { recursive: true, force: true });
    mkdirSync(this.#path);
    chmodSync(this.#path, 0o1777);
  }

  async settled() {
    await until(() => !processes().some((pid) => textOf(`/proc/${pid}/cmdline`).includes(this.#program)));
  }

  read() {
    return readdirSync(this.#path).map((name) => textOf(join(this.#path, name)).trim()).filter((text) => text !== '').join('\n');
  }
}

async function until(condition) {
  const end = Date.now() + 30_000;
  while (Date.now() < end && !condition()) await setTimeout(100);
}

function isMapped(path) {
  return processes().some((pid) => textOf(`/proc/${pid}/maps`).includes(path));
}

function processes() {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
}

function textOf(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
