/** One-off dynos of an app in the background: `tsrun run --app`, and `attach --app`, which comes back to one. */
import { TsrunError, type Attachment, type DynoEnd, type OneOffOptions, type RemoteOneOff, type RunOptions } from '../index.js';
import { chosenApp, reachApp } from './apps.js';
import type { Invocation } from './invocation.js';
import { quote } from './output.js';
import { accompany } from './program/accompany.js';
import type { Program } from './program/signals.js';
import { hasTerminal, redraw, requireTerminal, windowSize } from './program/terminal.js';
import { tell } from './tell.js';

/** What may be said of a one-off dyno; all else is as its app has it. */
const known: ReadonlySet<string> = new Set<keyof RunOptions>(['command', 'env', 'terminal', 'survive', 'autoRemove', 'stopSignal', 'stopTimeoutMs', 'timeoutMs']);

/** 128 and the number of SIGHUP. */
const hungUp = 129;

export async function runOneOff(invocation: Invocation): Promise<number> {
  const { flags, options, stdin, stdout, stderr } = invocation;
  checkOptions(invocation);
  const { detach = false, json = false } = flags;
  // As on Heroku: whoever sits at a terminal has one there, and what comes in goes on.
  const isSeated = !detach && stdin.isTTY === true && stdout.isTTY === true;
  const { tty = isSeated, interactive = !detach } = flags;
  requireTerminal({ flags: { ...flags, tty, interactive }, stdin });
  const app = await reachApp(chosenApp(flags));
  const terminal = tty && (windowSize({ stdout, stderr }) ?? true);
  const env = { ...(tty && terminalEnv(invocation.env)), ...options.env };
  const oneOff = await app.run(commandOf(options), { ...oneOffOptions(invocation), env, terminal, attach: tty || interactive || !detach });
  if (detach) {
    stdout.write(json ? `${JSON.stringify({ dyno: oneOff.name })}\n` : `${oneOff.name}\n`);
    return 0;
  }
  if (stderr.isTTY === true) tell(stderr, `tsrun: ${oneOff.name} of ${app.name}\n`);
  const client = await oneOff.attach();
  if (!interactive) client.end();
  return stay(oneOff, client, invocation, interactive);
}

export async function attachOneOff(invocation: Invocation): Promise<number> {
  const { flags, positionals: [name = ''] } = invocation;
  const oneOff = await (await reachApp(chosenApp(flags))).oneOff(name);
  const client = await oneOff.attach();
  if (client.hasTerminal) redraw(client, invocation);
  return stay(oneOff, client, invocation, true);
}

async function stay(oneOff: RemoteOneOff, client: Attachment, { flags, stdin, stdout, stderr }: Invocation, input: boolean): Promise<number> {
  const hadTerminal = hasTerminal();
  const end = await accompany({ program: programOf(oneOff, client), input, world: { stdin, stdout, stderr } });
  if (end === undefined) {
    if (hadTerminal && !hasTerminal()) {
      client.destroy();
      return hungUp;
    }
    client.detach();
    tell(stderr, `\ntsrun: detached; ${oneOff.name} goes on, and tsrun attach --app ${flags.appName ?? ''} ${oneOff.name} comes back to it\n`);
    return 0;
  }
  if (flags.json === true) stderr.write(`${JSON.stringify({ dyno: oneOff.name, ...end })}\n`);
  return end.code;
}

/** The owner of the app has the program itself. */
function programOf(oneOff: RemoteOneOff, client: Attachment): Program<DynoEnd> {
  // It has been read to its end, which is no loss of a client any more.
  client.once('end', () => client.destroy());
  // Why there is nothing more to read is told by the way that it ends.
  client.on('error', () => undefined);
  const streams = client.hasTerminal
    ? { terminal: { input: client, output: client, resize: (rows: number, columns: number) => { client.resize(rows, columns); } }, stdin: null, stdout: null, stderr: null }
    : { terminal: null, stdin: client, stdout: client, stderr: null };
  return {
    ...streams,
    exited: oneOff.exited,
    kill: async (signal) => oneOff.kill(signal),
    killAll: async () => oneOff.kill('SIGKILL'),
  };
}

/** One word is a line for the shell, as on Heroku. */
function commandOf({ command = [] }: RunOptions): string | readonly string[] {
  const [line, ...words] = command;
  return line !== undefined && words.length === 0 ? line : command;
}

/** As Heroku's command sends it along with a terminal. COLUMNS and LINES would go before the size that the terminal has later (ncurses(3X), busybox). */
function terminalEnv({ TERM: term }: Invocation['env']): Readonly<Record<string, string>> {
  return term === undefined || term === '' ? {} : { TERM: term };
}

function oneOffOptions({ flags, options: { stopSignal, stopTimeoutMs, timeoutMs } }: Invocation): OneOffOptions {
  return {
    ...(flags.sizes?.size !== undefined && { size: flags.sizes.size }),
    ...(stopSignal !== undefined && { stopSignal }),
    ...(stopTimeoutMs !== undefined && { graceMs: stopTimeoutMs }),
    ...(timeoutMs !== undefined && { timeToLiveMs: timeoutMs }),
  };
}

function checkOptions({ flags, options }: Invocation): void {
  const hint = 'beside --app stand --detach, --interactive, --tty, --size, --env, --env-file, --timeout, --stop-signal, --stop-timeout and --json';
  const other = Object.keys(options).find((name) => !known.has(name)) ?? (flags.cidfile === undefined ? undefined : 'cidfile') ?? (flags.timings === undefined ? undefined : 'timings');
  if (other !== undefined) throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `a one-off dyno is made as its app says, and no ${quote(other)} is said of it`, { hint });
  if ((options.command ?? []).length === 0) throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'no program given', { hint: 'for example tsrun run --app my-app bash' });
}
