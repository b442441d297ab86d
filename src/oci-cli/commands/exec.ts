import type { HostFacts } from '../../host/facts.js';
import { joinCgroup } from '../../host/probe-cgroup.js';
import { compileExec, type ExecInput } from '../../plan/compile-exec.js';
import type { Process } from '../../spec/types.js';
import { validateSpec } from '../../spec/validate.js';
import type { Command } from '../command.js';
import { takeTerminal } from '../console.js';
import { execProcess } from '../exec-process.js';
import { failureOf } from '../failure.js';
import { filterOf } from '../filter.js';
import { watchToItsEnd } from '../foreground.js';
import { handListenerOver } from '../listener.js';
import { OneShotLauncher } from '../one-shot.js';
import { writeFileSync } from '../platform/fs.js';
import { host } from '../platform/host.js';
import { RuntimeError } from '../runtime-error.js';
import { StateFolder, type ContainerRecord } from '../state.js';
import { statusOf } from '../status.js';
import { passedDescriptors, streamsOf } from '../streams.js';
import { hostFacts } from '../surroundings.js';
import { textOf, type FlagTable, type Words } from '../words.js';

const flags: FlagTable = {
  'console-socket': { kind: 'text' },
  cwd: { kind: 'text' },
  env: { kind: 'texts', short: 'e' },
  tty: { kind: 'flag', short: 't' },
  user: { kind: 'text', short: 'u' },
  'additional-gids': { kind: 'texts', short: 'g' },
  process: { kind: 'text', short: 'p' },
  detach: { kind: 'flag', short: 'd' },
  'pid-file': { kind: 'text' },
  'process-label': { kind: 'text' },
  apparmor: { kind: 'text' },
  'no-new-privs': { kind: 'flag' },
  cap: { kind: 'texts', short: 'c' },
  'preserve-fds': { kind: 'text' },
  cgroup: { kind: 'texts' },
  'ignore-paused': { kind: 'flag' },
};

/** Beside the program's own statuses. */
const failedStatus = 255;

export const exec: Command = {
  flags,
  argumentCount: { least: 1, most: Infinity },
  run: ({ settings }, words) => {
    const folder = new StateFolder(settings.root, words.rest[0] ?? '');
    const record = folder.read();
    checkStatus(folder, record, words);
    const spec = validateSpec(record.spec);
    const facts = hostFacts();
    return execute(record, spec, execProcess(spec, words), words, facts);
  },
};

function checkStatus(folder: StateFolder, record: ContainerRecord, { flags: given }: Words): void {
  const status = statusOf(folder, record);
  if (status === 'stopped' || status === 'creating') throw new RuntimeError('cannot exec in a stopped container', failedStatus);
  if (status === 'paused' && !given.has('ignore-paused')) throw new RuntimeError('cannot exec in a paused container (use --ignore-paused to override)', failedStatus);
}

function execute(record: ContainerRecord, spec: ExecInput['spec'], process: Process, words: Words, facts: HostFacts): number {
  const terminal = process.terminal === true;
  const detach = words.flags.has('detach');
  const consoleSocket = textOf(words, 'console-socket');
  if (terminal && detach && consoleSocket === undefined) throw new RuntimeError('cannot allocate tty if runc will detach without setting console socket', failedStatus);
  const preservedCount = Number(textOf(words, 'preserve-fds') ?? 0);
  const plan = compileExec(execInput(record, spec, process, words, facts, preservedCount));
  const launcher = new OneShotLauncher();
  if (!detach) host.takeSignals();
  try {
    const event = launcher.launch(record.id, plan, passedDescriptors(terminal, preservedCount), {
      reached: (reached) => { handListenerOver(reached, spec, record, 'running', launcher); },
      releaseAtStart: detach,
    });
    if (event.op === 'failed') throw failureOf(event, plan, process.args[0] ?? '', failedStatus);
    if (event.op !== 'started') throw new RuntimeError('the launcher said nothing of the process', failedStatus);
    const master = takeTerminal(event, plan, launcher, { consoleSocket, keepsTerminal: !detach });
    const pidFile = textOf(words, 'pid-file');
    if (pidFile !== undefined) writeFileSync(pidFile, String(event.pid));
    return detach ? 0 : watchToItsEnd(launcher, event.pid, master);
  } finally {
    launcher.close();
  }
}

function execInput(record: ContainerRecord, spec: ExecInput['spec'], process: Process, words: Words, facts: HostFacts, inheritedCount: number): ExecInput {
  const { init } = record;
  if (init === undefined) throw new RuntimeError('cannot exec in a stopped container', failedStatus);
  const below = words.texts.get('cgroup')?.at(-1);
  const cgroupPath = record.cgroup === '' ? undefined : below === undefined ? record.cgroup : joinCgroup(record.cgroup, below.startsWith('/') ? below : `/${below}`);
  return {
    containerId: record.id,
    target: { ...init, cgroupPath },
    spec,
    extensions: {},
    process,
    host: facts,
    hasCgroup: cgroupPath !== undefined,
    privileged: false,
    survive: false,
    drainTerminal: false,
    outlivesLauncher: true,
    inheritedCount,
    ...streamsOf(process.terminal === true),
    ...filterOf(spec, facts),
  };
}
