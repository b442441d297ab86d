/** The commands that compile plans, for `plan-commands.ts`. */
import { create } from './commands/create.js';
import { exec } from './commands/exec.js';
import { run } from './commands/run.js';

globalThis.planCommands = { create, exec, run };
