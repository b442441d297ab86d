/** `tsrun exec` */
import { Runtime, type ExecOptions } from '../index.js';
import { tellExit } from './failure.js';
import type { Invocation } from './invocation.js';
import { accompany } from './program/accompany.js';
import { backgroundStreams, foregroundStreams } from './program/streams.js';
import { requireTerminal, windowSize } from './program/terminal.js';
import { tell } from './tell.js';

export async function run(invocation: Invocation): Promise<number> {
  const { flags, positionals: [id = ''], stdin, stdout, stderr } = invocation;
  requireTerminal(invocation);
  const runtime = await Runtime.open();
  try {
    const program = await runtime.exec(await runtime.find(id), execOptions(invocation));
    if (flags.detach === true) return 0;
    const world = { stdin, stdout, stderr };
    const status = await accompany({ program, world, input: flags.interactive === true, whenHungUp: () => void program.stop({ signal: 'SIGHUP' }) });
    if (status !== undefined) {
      await tellExit(program, invocation);
      return status.code;
    }
    await program.keep();
    tell(stderr, '\ntsrun: detached; the program goes on\n');
    return 0;
  } finally {
    await runtime.close();
  }
}

function execOptions({ flags, options, stdout, stderr }: Invocation): ExecOptions {
  const { detach = false, interactive = false, tty = false } = flags;
  const base = { ...options, command: options.command ?? [], survive: detach };
  if (detach) return { ...base, ...backgroundStreams(false) };
  if (tty) return { ...base, terminal: windowSize({ stdout, stderr }) ?? true, detachable: interactive };
  return { ...base, ...foregroundStreams(interactive) };
}
