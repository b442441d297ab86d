// Where programs with sanitizers write what they find: shared memory, since they have no other way (native/checks/sanitizer_notes.cc).
import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, ftruncateSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

const roomBytes = 2 ** 20;
/** How much is written stands before it. */
const headerBytes = 8;

export class Notes {
  #build;
  #path;

  /** @param build the folder of the build, whose programs write here */
  constructor(build) {
    this.#build = build;
    this.#path = join(build, 'notes');
    this.clear();
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
    const end = Date.now() + 30_000;
    while (Date.now() < end && this.#isOpen()) await setTimeout(100);
  }

  #isOpen() {
    return readdirSync('/proc').some((name) => /^\d+$/.test(name) && mapsOf(name).includes(this.#path));
  }

  /** What was written since it was cleared, with the places named; '' is good. */
  read() {
    const bytes = readFileSync(this.#path);
    const size = Math.min(Number(bytes.readBigUInt64LE(0)), roomBytes - headerBytes);
    return bytes.toString('utf8', headerBytes, headerBytes + size).replace(/^.*\(\/memfd:tsrun \(deleted\)\+(0x[0-9a-f]+)\).*$|^.*\(\S*\/(tsrun-\w+)\+(0x[0-9a-f]+)\).*$/gm, (line, ofLauncher, program, offset) => {
      const place = spawnSync('addr2line', ['-Cfpse', join(this.#build, program ?? 'tsrun-launcher'), ofLauncher ?? offset], { encoding: 'utf8' });
      return place.status === 0 ? `    ${place.stdout.trimEnd()}` : line;
    });
  }
}

function mapsOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/maps`, 'utf8');
  } catch {
    return '';
  }
}
