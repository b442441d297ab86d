/** The files of containers, whoever started them, and whether they live or have ended. */
import type { Readable, Writable } from 'node:stream';
import type { Container } from './container.js';
import type { CopySurroundings } from './copy/copy.js';
import type { Copied, CopyOptions } from './copy/copy-options.js';
import { KnownContainers } from './known-containers.js';
import { validateCopy } from './options/validate-copy.js';

/** What a `Runtime` does with the files of containers. */
export abstract class ContainerFiles extends KnownContainers {
  /**
   * Copies a file, link or folder of the host, or what a tar archive holds (compressed or not), into a container, by the rules of
   * `docker cp`: into a folder that is there, or in the place of what is not or is a file; `folder/.` is its contents. A link at the
   * destination leads to where it leads in the container. Nothing of the host is read but the source, whatever the container does.
   *
   * Works on a container that runs, is paused, or has ended: then on what it left on disk (`rootStorage: 'disk'`) or in its folder
   * (`root: 'writable'`), and not in its mounts, which are gone.
   *
   * @param container itself, or its name
   * @param source a path of the host, or a stream of an archive
   * @param destination a path in the container; with an archive, of a folder that is there
   * @throws TsrunError `ERR_TSRUN_COPY` for what is not there or cannot be read or written; `ERR_TSRUN_NOT_FOUND`; `ERR_TSRUN_STATE` for
   * one that has ended and whose writes were in memory, or whose root is read-only; `ERR_TSRUN_UNSUPPORTED`, `ERR_TSRUN_ABORTED`,
   * `ERR_TSRUN_INVALID_ARGUMENT`
   *
   * @example
   * import { mkdir, writeFile } from 'node:fs/promises';
   * import { Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * const container = await runtime.run('./rootfs', { command: ['sleep', '1000'] });
   * await mkdir('./site', { recursive: true });
   * await writeFile('./site/index.html', 'hello');
   * const { entries, bytes } = await runtime.copyIn(container, './site', '/srv');
   * console.log(entries, bytes); // 2 5
   */
  async copyIn(container: Container | string, source: string | Readable, destination: string, options: CopyOptions = {}): Promise<Copied> {
    const id = validateCopy({ container, from: source, to: destination }, options, 'in');
    return this.#copy(id, true, options, async (surroundings) => (await import('./copy/copy.js')).copyIn(surroundings, source, destination));
  }

  /**
   * Copies a file, link or folder of a container to the host, as `copyIn` the other way; or as a tar archive into a stream, which it
   * ends. No link of the container's leads out of it, and nothing is written but at the destination. Device nodes are left out.
   *
   * @param container itself, or its name
   * @param source a path in the container
   * @param destination a path of the host, or a stream for an archive, in which owners stay what they are
   * @returns with a stream as the destination, the bytes of the archive
   * @throws TsrunError as `copyIn`
   *
   * @example
   * import { createWriteStream } from 'node:fs';
   * import { Runtime } from 'tsrun';
   * await using runtime = await Runtime.open();
   * const container = await runtime.run('./rootfs', { command: ['sleep', '1000'] });
   * await runtime.copyOut(container, '/etc/hostname', './hostname');
   * await runtime.copyOut(container, '/etc', createWriteStream('./etc.tar'));
   */
  async copyOut(container: Container | string, source: string, destination: string | Writable, options: CopyOptions = {}): Promise<Copied> {
    const id = validateCopy({ container, from: source, to: destination }, options, 'out');
    return this.#copy(id, false, options, async (surroundings) => (await import('./copy/copy.js')).copyOut(surroundings, source, destination));
  }


  async #copy(id: string, write: boolean, options: CopyOptions, work: (surroundings: CopySurroundings) => Promise<Copied>): Promise<Copied> {
    const archiver = await this.archiver();
    const tree = await this.openTree(id, { write, signal: options.signal });
    try {
      // In an ordinary user's launcher the user is root.
      const caller = this.host.uid === 0 ? { uid: 0, gid: process.getgid?.() ?? 0 } : { uid: 0, gid: 0 };
      return await work({ archiver, tree, caller, options });
    } finally {
      await tree.release();
    }
  }
}
