/** Copies in tests: short ways to ask for them, and folders of the host to copy from and to. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Copied, CopyOptions, Container } from '../../src/index.js';
import type { Lab } from './lab.js';

/** Below a folder that is made anew: `folder/` with a file, `file`, `other`, and links to both. */
export const given = 'mkdir -p folder/deep target; echo file >file; echo other >other; echo deep >folder/deep/f; ln -s folder link; ln -s file flink; ln -s nowhere dangling';

export function namesIn(archive: Buffer): string[] {
  return execFileSync('tar', ['-tf', '-'], { input: archive, encoding: 'utf8' }).trim().split('\n');
}

export class CopyLab {
  readonly #lab: Lab;

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  /** A new one, as a script of the shell fills it. */
  hostFolder(script = ''): string {
    const folder = mkdtempSync(join(this.#lab.scratch, 'host-'));
    execFileSync('sh', ['-ec', script], { cwd: folder });
    return folder;
  }

  /** What a script prints in the container. */
  async inner(container: Container, script: string): Promise<string> {
    const { stdout, stderr } = await this.#lab.exec(container, { command: ['sh', '-c', script] });
    return stdout + stderr;
  }

  readonly copyIn = async (container: Container | string, source: string | Readable, destination: string, options: CopyOptions = {}): Promise<Copied> =>
    (await this.#lab.runtime()).copyIn(container, source, destination, options);

  readonly copyOut = async (container: Container | string, source: string, destination: string | Writable, options: CopyOptions = {}): Promise<Copied> =>
    (await this.#lab.runtime()).copyOut(container, source, destination, options);

  async packed(container: Container | string, source: string): Promise<Buffer> {
    const stream = new PassThrough();
    const [bytes] = await Promise.all([buffer(stream), this.copyOut(container, source, stream)]);
    return bytes;
  }
}
