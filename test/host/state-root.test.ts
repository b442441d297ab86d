// Where runtime state may lie: what will not do is told at once, and leaves no launcher behind.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { Runtime, TsrunError, type ErrorCode } from '../../src/index.js';
import { fixture } from '../support/lab.js';
import { launchersOf } from '../support/leaks.js';
import { needs } from '../support/needs.js';
import { until } from '../support/until.js';

const here = needs('root');

async function refused(t: ExecutionContext, root: string, code: ErrorCode, says: RegExp): Promise<void> {
  const error = await t.throwsAsync(Runtime.open({ root }), { instanceOf: TsrunError }, root);
  t.is(error.code, code, error.message);
  t.regex(error.message, says);
  t.not(error.hint, undefined);
  t.deepEqual(launchersOf(root), []);
}

async function refusedVariable(t: ExecutionContext, root: string, code: ErrorCode, says: RegExp): Promise<void> {
  process.env['TSRUN_ROOT'] = root;
  t.teardown(() => delete process.env['TSRUN_ROOT']);
  const error = await t.throwsAsync(Runtime.open(), { instanceOf: TsrunError }, root);
  t.is(error.code, code, error.message);
  t.regex(error.message, says);
}

here('the path', async (t) => {
  await refused(t, 'relative', 'ERR_TSRUN_INVALID_ARGUMENT', /absolute/);
  await refused(t, `/run/${'x'.repeat(70)}`, 'ERR_TSRUN_INVALID_ARGUMENT', /75 bytes.*74/);
  await refusedVariable(t, 'relative', 'ERR_TSRUN_INVALID_ARGUMENT', /TSRUN_ROOT: "relative" is not an absolute path/);
  await refusedVariable(t, `/run/${'x'.repeat(100)}`, 'ERR_TSRUN_INVALID_ARGUMENT', /TSRUN_ROOT: the path has 105 bytes/);
});

here('the folder', async (t) => {
  const scratch = mkdtempSync('/run/tsrun-test-');
  t.teardown(() => { rmSync(scratch, { recursive: true }); });
  writeFileSync(join(scratch, 'file'), '');
  mkdirSync(join(scratch, 'half'));
  writeFileSync(join(scratch, 'half/launchers'), '');
  await refused(t, '/proc/tsrun/deep', 'ERR_TSRUN_HOST', /"\/proc\/tsrun\/deep" cannot be used: .*ENOENT/);
  await refused(t, '/sys/tsrun', 'ERR_TSRUN_HOST', /cannot be used/);
  await refused(t, join(scratch, 'file'), 'ERR_TSRUN_HOST', /no folder/);
  await refused(t, join(scratch, 'file/below'), 'ERR_TSRUN_HOST', /no folder/);
  await refused(t, join(scratch, 'half'), 'ERR_TSRUN_HOST', /half\/launchers" cannot be used/);
});

here('the longest path that there is room for', async (t) => {
  const root = `/run/${'x'.repeat(69)}`;
  t.teardown(() => { rmSync(root, { recursive: true, force: true }); });
  const runtime = await Runtime.open({ root });
  t.is(launchersOf(root).length, 1);
  await runtime.close();
});

needs('root', 'cgroup2')('what is left of a container whose record is damaged goes when no launcher lives', async (t) => {
  const root = mkdtempSync('/run/tsrun-test-');
  t.teardown(() => { rmSync(root, { recursive: true }); });
  const first = await Runtime.open({ root });
  const container = await first.run(fixture('busybox'), { command: ['sleep', '1000'], survive: true });
  await first.close();
  writeFileSync(join(root, 'containers', container.id, 'state.json'), '{"vers');
  await (await Runtime.open({ root })).close();
  t.true(existsSync(container.record.cgroup), 'its launcher lives');
  for (const launcher of launchersOf(root)) process.kill(launcher, 'SIGKILL');
  await until(() => launchersOf(root).length === 0, 'the death of its launcher');
  const next = await Runtime.open({ root });
  t.deepEqual([next.collected.containers, next.unreadable()], [[container.id], []]);
  await next.close();
  // When its process is gone already, only the name speaks for it: what might be another's is left for a minute.
  if (existsSync(container.record.cgroup)) rmdirSync(container.record.cgroup);
});

needs('root', 'cgroup2')('a container of the same name in another state root is not taken for one whose record is damaged', async (t) => {
  const roots = [mkdtempSync('/run/tsrun-test-'), mkdtempSync('/run/tsrun-test-')] as const;
  t.teardown(() => { for (const root of roots) rmSync(root, { recursive: true }); });
  const [mine, other] = [await Runtime.open({ root: roots[0] }), await Runtime.open({ root: roots[1] })];
  const id = `twin${process.pid}`;
  const options = { id, command: ['sleep', '1000'] };
  const [first, second] = [await mine.run(fixture('busybox'), options), await other.run(fixture('busybox'), options)];
  writeFileSync(join(roots[0], 'containers', id, 'state.json'), '');
  await mine.discard(id);
  t.is((await first.exited).code, 137);
  t.deepEqual([existsSync(first.record.cgroup), existsSync(second.record.cgroup), second.state], [false, true, 'running']);
  await mine.close();
  await other.close();
});

needs('root', 'userns', 'cgroup2')('the ids of a container whose record is damaged stay taken, and what cannot be ended is not forgotten', async (t) => {
  const root = mkdtempSync('/run/tsrun-test-');
  t.teardown(() => { rmSync(root, { recursive: true }); });
  await using owner = await Runtime.open({ root });
  const container = await owner.run(fixture('busybox'), { command: ['sleep', '1000'], survive: true });
  const file = join(root, 'containers', container.id, 'state.json');
  const record = readFileSync(file, 'utf8');
  const range = String(container.record.spec.linux?.uidMappings?.[0]?.hostID);
  writeFileSync(file, record.replace('"version":1', '"version":2'));
  await using other = await Runtime.open({ root });
  t.true(readdirSync(join(root, 'ranges')).includes(range), range);
  writeFileSync(file, record.replace(JSON.stringify(container.record.cgroup), '""'));
  await t.throwsAsync(other.discard(container.id), { code: 'ERR_TSRUN_HOST', message: /no cgroup by which it could be ended/ });
  t.true(existsSync(file));
  writeFileSync(file, record);
  await container.stop({ graceMs: 0 });
});
