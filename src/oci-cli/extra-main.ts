/** The commands that are not in every container's life, for `modules.ts`. */
import { checkpoint, restore } from './commands/checkpoint.js';
import { events } from './commands/events.js';
import { features } from './commands/features.js';
import { help } from './commands/help.js';
import { mounts } from './commands/mounts.js';
import { spec } from './commands/spec.js';
import { update } from './commands/update.js';
import { addCommands } from './modules.js';

addCommands({ checkpoint, events, features, help, mounts, restore, spec, update });
