/** The commands that compile plans, for `modules.ts`. */
import { create } from './commands/create.js';
import { exec } from './commands/exec.js';
import { run } from './commands/run.js';
import { addCommands } from './modules.js';

addCommands({ create, exec, run });
