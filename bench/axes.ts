/** What a start costs where the host is fuller, and what each part of the default profile adds to it. */
import { parts } from './orders.js';
import { compare, compareRows, rowsOf, type SectionResult } from './report.js';
import { measure, ratios, type Subject } from './rounds.js';
import type { Stage } from './stage.js';
import { embeddedSubject, rounds } from './subjects.js';

const manyMounts = 500;
const limit = '<= 1.2';

export async function measureMounts(stage: Stage): Promise<SectionResult> {
  const [few, many] = ['as it is', `${manyMounts} mounts more`];
  const subjects = [embeddedSubject(await stage.agent(), few), embeddedSubject(await stage.agent({ mounts: manyMounts }), many)];
  const samples = await measure(subjects, rounds(stage, 150));
  const comparisons = compareRows(samples, `${many}, to exit`, `${few}, to exit`, { goal: limit });
  return { title: 'mounts: embedded starts on a host with many mounts', rows: rowsOf(samples), comparisons, notes: samples.failures };
}

/** What lives is felt by all that is started, so that the two take turns in halves: before, beside, after. */
export async function measureLive(stage: Stage): Promise<SectionResult> {
  const count = stage.quick ? 100 : 1000;
  const agent = await stage.agent();
  const { rounds: all, warmUp } = rounds(stage, 200);
  const half = { rounds: all / 2, warmUp };
  const [alone, beside] = ['alone', `beside ${count}`];
  const before = await measure([embeddedSubject(agent, alone)], half);
  await agent.order({ op: 'fill', count });
  const during = await measure([embeddedSubject(agent, beside)], { ...half, rounds: all });
  await agent.order({ op: 'clear' });
  const after = await measure([embeddedSubject(agent, alone)], half);
  const rowOf = (name: string) => [before, during, after].flatMap(({ rows }) => rows.get(`${name}, to exit`) ?? []);
  const rows = new Map([alone, beside].map((name) => [`${name}, to exit`, rowOf(name)]));
  const failures = [before, during, after].flatMap((samples) => samples.failures);
  const comparisons = compare(`${beside} / ${alone}, to exit`, '×', ratios(rowOf(beside), rowOf(alone)), limit);
  return { title: 'live: embedded starts beside containers that wait', rows: rowsOf({ rows, failures }), comparisons, notes: failures };
}

export async function measureParts(stage: Stage): Promise<SectionResult> {
  const agent = await stage.agent();
  const subjectOf = (name: string): Subject => ({ start: async () => ({ [name]: (await agent.start(name))[0] ?? Number.NaN }) });
  const samples = await measure(['embedded', ...Object.keys(parts)].map(subjectOf), rounds(stage, 100));
  const comparisons = Object.keys(parts).flatMap((name) => compareRows(samples, 'embedded', name));
  const notes = ['embedded: the default profile; each of the others has one part of it otherwise'];
  return { title: 'parts: what each part of the default profile costs, to exit', rows: rowsOf(samples), comparisons, notes: [...notes, ...samples.failures] };
}
