/** `tsrun attach` */
import { Runtime, TsrunError } from '../index.js';
import type { Invocation } from './invocation.js';
import { accompany } from './program/accompany.js';
import { attachOneOff } from './one-off.js';
import { redraw } from './program/terminal.js';
import { tell } from './tell.js';

export async function run(invocation: Invocation): Promise<number> {
  const { flags, positionals: [id = ''], stdin, stdout, stderr } = invocation;
  if (flags.appName !== undefined) return attachOneOff(invocation);
  const runtime = await Runtime.open();
  try {
    refuseUnlogged(runtime, id);
    const container = await runtime.attach(id);
    const world = { stdin, stdout, stderr };
    if (container.terminal !== null) redraw(container.terminal, world);
    const status = await accompany({ program: container, world, input: true });
    if (status !== undefined) return status.code;
    tell(stderr, '\ntsrun: detached\n');
    return 0;
  } finally {
    await runtime.close();
  }
}

function refuseUnlogged(runtime: Runtime, id: string): void {
  const { state, record } = runtime.inspect(id);
  if (state === 'stopped' || record.extensions.log !== undefined) return;
  throw new TsrunError('ERR_TSRUN_STATE', `the container '${id}' prints straight to who started it`, {
    hint: 'start it with --detach or --tty to attach to it from elsewhere',
  });
}
