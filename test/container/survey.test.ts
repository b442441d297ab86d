import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { ContainerSurvey } from '../../src/container/survey.js';

test('a state root that is not there, or holds what is no record, has no containers', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'tsrun-survey-'));
  const survey = new ContainerSurvey({ root });
  t.deepEqual(await survey.look(), []);
  const containers = join(root, 'containers');
  for (const [name, text] of [['damaged', '{'], ['other', '{"version":999}'], ['.unfinished', '{}']] as const) {
    mkdirSync(join(containers, name), { recursive: true });
    writeFileSync(join(containers, name, 'state.json'), text);
  }
  mkdirSync(join(containers, 'empty'));
  writeFileSync(join(containers, 'file'), '');
  t.deepEqual(await survey.look(), []);
  rmSync(root, { recursive: true });
});
