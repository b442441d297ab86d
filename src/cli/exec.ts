/** `tsrun exec` */
import { Runtime, type ExecOptions } from '../index.js';
import { tellExit } from './failure.js';
import type { Invocation } from './invocation.js';
import { accompany } from './program/accompany.js';
import { backgroundStreams, foregroundStreams } from './program/streams.js';
import { requireTerminal, windowSize } from './program/terminal.js';
import { tell } from './tell.js';

export async function run(invocation: Invocation): Promise<number> {
  const { flags, positionals: [id = ''] } = invocation;
  requireTerminal(invocation);
  const runtime = await Runtime.open();
  try {
    const program = await runtime.exec(await runtime.find(id), execOptions(invocation));
    if (flags.detach === true) return 0;
    const status = await accompany({ program, world: invocation, input: flags.interactive === true, whenHungUp: () => void program.stop({ signal: 'SIGHUP' }) });
    if (status !== undefined) {
      await tellExit(program, invocation);
      return status.code;
    }
    await program.keep();
    tell(invocation.stderr, '\ntsrun: detached; the program goes on\n');
    return 0;
  } finally {
    await runtime.close();
  }
}

function execOptions(invocation: Invocation): ExecOptions {
  const { flags, options } = invocation;
  const { detach = false, interactive = false, tty = false } = flags;
  const base = { ...options, command: options.command ?? [], survive: detach };
  if (detach) return { ...base, ...backgroundStreams(false) };
  if (tty) return { ...base, terminal: windowSize(invocation) ?? true, detachable: interactive };
  return { ...base, ...foregroundStreams(interactive) };
}
