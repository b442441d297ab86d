/** The image that tests of commands load: a busybox in one layer, and one that changes a file, removes one and adds one. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { FakeRegistry } from './fake-registry.js';
import { makeImage } from './images.js';
import type { Lab } from './lab.js';
import { layerBytes, saveImages } from './saved-images.js';

let archive: string | undefined;

/** A docker-archive, made once, in the lab's folders. */
export function appArchive(folders: Lab): string {
  if (archive !== undefined) return archive;
  const upper = mkdtempSync(join(folders.scratch, 'upper-'));
  mkdirSync(join(upper, 'etc'));
  writeFileSync(join(upper, 'etc/changed'), 'new');
  writeFileSync(join(upper, 'etc/.wh.removed'), '');
  writeFileSync(join(upper, 'etc/added'), 'x'.repeat(5));
  const base = makeImage(folders, { files: { 'etc/changed': 'x'.repeat(1000), 'etc/removed': 'x'.repeat(500) } });
  return (archive = saveImages(join(folders.scratch, 'app.tar'), {
    names: ['team/app:v1', 'localhost:5000/app:v2'],
    layers: [base, upper],
    config: { Entrypoint: ['sh', '-c'], Cmd: ['echo hello from $(pwd)'], WorkingDir: '/srv', Labels: { team: 'web' } },
    history: [{ created_by: 'ADD root', created: '2026-01-01T00:00:00Z' }, { created_by: 'CMD echo', empty_layer: true }, { created_by: 'RUN change', comment: 'a change' }],
  }));
}

/** A registry that has its lowest layer as `team/pulled:v1`, until the test's end. */
export async function registryWithApp(t: ExecutionContext, folders: Lab): Promise<FakeRegistry> {
  const registry = await FakeRegistry.start();
  t.teardown(() => { registry.close(); });
  registry.addImage('v1', [layerBytes(makeImage(folders))]);
  return registry;
}
