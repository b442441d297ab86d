/** `tsrun attach` */
import { Runtime, TsrunError } from '../index.js';
import type { Invocation } from './invocation.js';
import { accompany } from './program/accompany.js';
import { attachOneOff } from './one-off.js';
import { redraw } from './program/terminal.js';
import { tell } from './tell.js';

export async function run(invocation: Invocation): Promise<number> {
  const { flags, positionals: [id = ''] } = invocation;
  if (flags.appName !== undefined) return attachOneOff(invocation);
  const runtime = await Runtime.open();
  try {
    refuseUnlogged(runtime, id);
    const container = await runtime.attach(id);
    if (container.terminal !== null) redraw(container.terminal, invocation);
    const status = await accompany({ program: container, world: invocation, input: true });
    if (status !== undefined) return status.code;
    tell(invocation.stderr, '\ntsrun: detached\n');
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
