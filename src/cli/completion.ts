/** `tsrun completion SHELL`: scripts that know what the tables know, so that they cannot fall behind. */
import { TsrunError } from '../index.js';
import { bashScript } from './completion/bash.js';
import { fishScript } from './completion/fish.js';
import { zshScript } from './completion/zsh.js';
import type { Invocation } from './invocation.js';
import { quote } from './output.js';

const scripts: ReadonlyMap<string, () => string> = new Map([
  ['bash', bashScript],
  ['zsh', zshScript],
  ['fish', fishScript],
]);

/** @throws TsrunError `ERR_TSRUN_INVALID_ARGUMENT` for a shell that is none of the three */
export function completionScript(shell: string): string {
  const script = scripts.get(shell);
  if (script !== undefined) return script();
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `no completion for the shell ${quote(shell)}`, {
    hint: `allowed are ${[...scripts.keys()].join(', ')}`,
  });
}

export function run(invocation: Invocation): Promise<number> {
  invocation.stdout.write(completionScript(invocation.positionals[0] ?? ''));
  return Promise.resolve(0);
}
