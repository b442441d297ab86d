import { compileExec, type ExecInput } from '../../plan/compile-exec.js';
import type { Process } from '../../spec/types.js';
import { readStoredSpec } from '../read-spec.js';
import { delegatedCgroup, keepsGroups, withAnnotations } from '../annotations.js';
import type { Command } from '../command.js';
import { sendProcess, takeTerminal } from '../console.js';
import { execCgroup } from '../exec-cgroup.js';
import { execProcess } from '../exec-process.js';
import { failureOf } from '../failure.js';
import { filterOf } from '../filter.js';
import { watchToItsEnd } from '../foreground.js';
import { asLauncherCounts } from '../launcher-ids.js';
import { handListenerOver } from '../listener.js';
import { OneShotLauncher } from '../one-shot.js';
import { writeFileSync } from '../platform/fs.js';
import { host } from '../platform/host.js';
import { RuntimeError } from '../runtime-error.js';
import { StateFolder, type ContainerRecord } from '../state.js';
import { statusOf } from '../status.js';
import { passedDescriptors, preservedCountOf, streamsOf } from '../streams.js';
import { hostFacts } from '../surroundings.js';
import { tellPlan } from '../tell-plan.js';
import { textOf, type FlagTable, type Words } from '../words.js';

const flags: FlagTable = {
  'console-socket': { kind: 'text', says: 'path of an AF_UNIX socket that is sent the master of the terminal' },
  'pidfd-socket': { kind: 'text', says: 'path of an AF_UNIX socket that is sent a pidfd of the process' },
  cwd: { kind: 'text', says: 'working directory' },
  env: { kind: 'texts', short: 'e', says: 'a further variable of the environment, NAME=value' },
  tty: { kind: 'flag', short: 't', says: 'give it a terminal' },
  user: { kind: 'text', short: 'u', says: 'numbers of the user and the group: uid[:gid]' },
  'additional-gids': { kind: 'texts', short: 'g', says: 'number of a further group' },
  process: { kind: 'text', short: 'p', says: 'file with the process as config.json has it' },
  detach: { kind: 'flag', short: 'd', says: 'do not wait for its end' },
  'pid-file': { kind: 'text', says: 'file to write its pid to' },
  'process-label': { kind: 'text', says: 'SELinux label' },
  apparmor: { kind: 'text', says: 'AppArmor profile' },
  'no-new-privs': { kind: 'flag', says: 'no program that it executes gives it more rights' },
  cap: { kind: 'texts', short: 'c', says: 'a further capability' },
  'preserve-fds': { kind: 'count', says: 'how many of the caller\'s descriptors from 3 on it inherits' },
  cgroup: { kind: 'texts', says: 'run it in this cgroup below the container\'s' },
  'ignore-paused': { kind: 'flag', says: 'also in a paused container, where it waits for the resume' },
};

/** Beside the program's own statuses. */
const failedStatus = 255;

export const exec: Command = {
  says: 'execute a further process in a container',
  usage: '<container-id> <command> [command options], or --process process.json <container-id>',
  flags,
  argumentCount: { least: 1, most: Infinity },
  flagsFirst: true,
  run: ({ settings }, words) => {
    try {
      return runInside(settings.root, words);
    } catch (error) {
      throw error instanceof Error ? new RuntimeError(error.message, failedStatus) : error;
    }
  },
};

function runInside(root: string, words: Words): number {
  const folder = new StateFolder(root, words.rest[0] ?? '');
  const record = folder.read();
  checkStatus(folder, record, words);
  const spec = withAnnotations(readStoredSpec(record.spec));
  return execute({ root, record, spec, process: execProcess(spec, words), words });
}

function checkStatus(folder: StateFolder, record: ContainerRecord, { flags: given }: Words): void {
  const status = statusOf(folder, record);
  if (status === 'stopped' || status === 'creating') throw new RuntimeError('cannot exec in a stopped container');
  if (status === 'paused' && !given.has('ignore-paused')) throw new RuntimeError('cannot exec in a paused container (use --ignore-paused to override)');
}

interface Execution {
  readonly root: string;
  readonly record: ContainerRecord;
  readonly spec: ExecInput['spec'];
  readonly process: Process;
  readonly words: Words;
}

function execute(execution: Execution): number {
  const { record, spec, process, words } = execution;
  const terminal = process.terminal === true;
  const detach = words.flags.has('detach');
  const consoleSocket = textOf(words, 'console-socket');
  if (terminal && detach && consoleSocket === undefined) throw new RuntimeError('cannot allocate tty if runc will detach without setting console socket');
  const preservedCount = preservedCountOf(words);
  const launcher = new OneShotLauncher(record.init?.pid);
  try {
    const plan = compileExec(execInput({ ...execution, spec: asLauncherCounts(spec) }, preservedCount));
    tellPlan(plan);
    if (!detach) host.takeSignals();
    const event = launcher.launch(record.id, plan, passedDescriptors(terminal, preservedCount), {
      reached: (reached) => { handListenerOver(reached, spec, record, 'running', launcher); },
      releaseAtStart: detach,
    });
    if (event.op === 'failed') throw failureOf(event, plan, process.args[0] ?? '');
    if (event.op !== 'started') throw new RuntimeError('the launcher said nothing of the process');
    const master = takeTerminal(event, plan, launcher, { consoleSocket, keepsTerminal: !detach });
    sendProcess(textOf(words, 'pidfd-socket'), event.pid, 'setns');
    const pidFile = textOf(words, 'pid-file');
    if (pidFile !== undefined) writeFileSync(pidFile, String(event.pid));
    return detach ? 0 : watchToItsEnd(launcher, event.pid, master);
  } finally {
    launcher.close();
  }
}

function execInput({ root, record, spec, process, words }: Execution, inheritedCount: number): ExecInput {
  const facts = hostFacts();
  const { init } = record;
  if (init === undefined) throw new RuntimeError('cannot exec in a stopped container');
  const cgroupPath = execCgroup(record, words.texts.get('cgroup') ?? [], { root: facts.cgroup.root, delegated: delegatedCgroup(spec) });
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
    keepsKeyring: record.keepsKeyring === true,
    keepsGroups: keepsGroups(spec),
    findsHome: true,
    ...streamsOf(process.terminal === true),
    ...filterOf(spec, facts, root),
  };
}
