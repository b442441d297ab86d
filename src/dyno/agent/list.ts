/** Which formations there are in a state root that outlive their process. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { definitionFile } from '../../container/state/formation-folders.js';
import { stateRootToLookAt } from '../../container/state/state-root.js';
import { readStateFile } from '../../container/state/state-files.js';
import { TsrunError } from '../../spec/errors.js';
import { readDefinition } from '../survival/definition.js';

/** What is told of a formation that outlives its process. */
export interface FormationSummary {
  /** Its own; apps at a shell are formations. */
  readonly name: string;
  /** As it was named when the formation was started. */
  readonly image: string;
  /** How many dynos there shall be. */
  readonly quantities: Readonly<Record<string, number>>;
  /** Its own, in the state root. */
  readonly folder: string;
  /** Where relative paths of its options begin. */
  readonly workingFolder: string;
  /** Where its image lies: `imageRoot` of who adopts it. */
  readonly imageRoot: string;
}

/**
 * Formations that were started with `survive` and not stopped, whether a process owns them or not, by name.
 *
 * @param options `root`: the state root; default as `Runtime.open` has it
 *
 * @example
 * import { listFormations } from 'tsrun';
 * for (const { name, image } of listFormations()) console.log(name, image);
 */
export function listFormations(options: { readonly root?: string } = {}): readonly FormationSummary[] {
  const { formationsPath } = stateRootToLookAt(options.root);
  return namesIn(formationsPath).flatMap((name) => {
    try {
      const { imageName, quantities, workingFolder, imageRoot } = readDefinition(name, readStateFile(join(formationsPath, name, definitionFile), name)?.toString());
      return [{ name, image: imageName, quantities, folder: join(formationsPath, name), workingFolder, imageRoot }];
    } catch (error) {
      // One that is just being made, or that another version has written, must not hide all others.
      if (TsrunError.is(error)) return [];
      throw error;
    }
  });
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => !name.startsWith('.')).sort();
  } catch {
    return [];
  }
}
