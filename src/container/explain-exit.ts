/** What is behind an exit code that the program did not choose. */
import { loadNative } from '../engine/addon.js';
import { Namespaces } from '../plan/namespaces.js';
import { printable } from '../spec/quote.js';
import type { Mount, Process } from '../spec/types.js';
import type { Container } from './container.js';
import { ExecProcess } from './exec.js';
import type { MissingLibrary } from './failures/missing-library.js';
import { shownFiles } from './image-files.js';

/** Why a program ended before it began, in words. */
export interface ExitExplanation {
  /** What is so, in one sentence. */
  readonly message: string;
  /** One line: what to do about it. */
  readonly hint: string;
  /** The shared library that was not found. */
  readonly library: string;
  /** What needs it: path in the container of the program, or of a library of it. */
  readonly neededBy: string;
}

/**
 * Waits for the end of a program, and says why it never began: 127 is also what a dynamic linker ends with that did not find a
 * shared library. Undefined for any other end, and where it is not certain. Only after a 127 anything is read: the program and its
 * libraries, in the image and its mounts; of a program that was executed in a container, while that runs.
 *
 * @throws TsrunError as `exited`
 *
 * @example
 * import { explainExit, Runtime } from 'tsrun';
 * await using runtime = await Runtime.open();
 * const container = await runtime.run('./rootfs', { command: ['sh', '-c', 'nonesuch'] });
 * const explanation = await explainExit(container);
 * console.log(container.exitStatus?.code, explanation?.message); // 127 undefined
 */
export async function explainExit(program: Container | ExecProcess): Promise<ExitExplanation | undefined> {
  const { code, cause } = await program.exited;
  if (code !== 127 || cause !== 'exit') return undefined;
  const missing = await (program instanceof ExecProcess ? missingForExec(program) : missingForContainer(program));
  return missing === undefined ? undefined : explanationOf(missing);
}

/** Its mounts went with it; what they showed is still where it came from. */
async function missingForContainer({ record: { rootPath, spec, extensions } }: Container): Promise<MissingLibrary | undefined> {
  if (spec.process === undefined || rootPath === '') return undefined;
  const isOwn = new Namespaces(spec.linux, extensions.namespaceFds).isNew('mount');
  return missingIn({ rootPath, lowerLayers: isOwn ? extensions.lowerLayers : [], mounts: isOwn ? (spec.mounts ?? []) : [], process: spec.process });
}

async function missingForExec({ origin: { container, process } }: ExecProcess): Promise<MissingLibrary | undefined> {
  // Its pid may be another's by now.
  return container.state === 'stopped' ? undefined : missingIn({ rootPath: `/proc/${container.pid}/root`, lowerLayers: [], mounts: [], process });
}

interface Surroundings {
  readonly rootPath: string;
  readonly lowerLayers: readonly string[] | undefined;
  readonly mounts: readonly Mount[];
  readonly process: Process;
}

async function missingIn({ rootPath, lowerLayers, mounts, process: program }: Surroundings): Promise<MissingLibrary | undefined> {
  const [{ findMissingLibrary }, { innerFiles }] = await Promise.all([import('./failures/missing-library.js'), import('./failures/inner-files.js')]);
  const files = shownFiles(loadNative().addon, { uid: process.geteuid?.() ?? 0 }, { rootPath, lowerLayers });
  try {
    return await findMissingLibrary(program, innerFiles(files, rootPath, mounts));
  } catch {
    // A source of a mount is gone.
    return undefined;
  }
}

function explanationOf({ program, library, neededBy, liesIn }: MissingLibrary): ExitExplanation {
  const [who, what, inBetween] = [program, library, neededBy].map((text) => printable(text, 400));
  const forWhom = neededBy === program ? '' : ` for '${inBetween}'`;
  const where = liesIn === undefined ? 'which is in none of the image\'s library folders' : `which lies in '${liesIn}', where its loader does not look`;
  const hint =
    liesIn === undefined
      ? 'add the library to the image, or point LD_LIBRARY_PATH at its folder with -e'
      : `run ldconfig in the image, or add -e LD_LIBRARY_PATH=${liesIn}`;
  return { message: `'${who}' needs the shared library '${what}'${forWhom}, ${where}`, hint, library, neededBy };
}
