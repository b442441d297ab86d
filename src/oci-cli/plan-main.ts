/** The commands that compile plans, for `scripts.ts`. */
import { create } from './commands/create.js';

globalThis.planCommands = { create };
