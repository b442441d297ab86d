/** A folder as those of formations are, for one test. */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { FormationFolder } from '../../../src/dyno/survival/folder.js';

export function scratchFolder(t: ExecutionContext): Pick<FormationFolder, 'path' | 'read' | 'write'> {
  const path = mkdtempSync(join(tmpdir(), 'tsrun-formation-'));
  t.teardown(() => {
    rmSync(path, { recursive: true });
  });
  const read = (name: string) => {
    try {
      return readFileSync(join(path, name), 'utf8');
    } catch {
      return undefined;
    }
  };
  const write = (name: string, text: string) => {
    writeFileSync(join(path, 'new'), text);
    renameSync(join(path, 'new'), join(path, name));
  };
  return { path, read, write };
}
