/** The commands about dynos: the processes of an app. */
import type { Command } from './command.js';

export const dynoCommands: readonly Command[] = [
  {
    name: 'up',
    summary: 'run the processes of an app together',
    usage: 'tsrun up [flags] IMAGE',
    description:
      "Each dyno is a container that runs one process type of IMAGE: of a slug's Procfile, of a Cloud Native Buildpack's image, or of --procfile; " +
      "web alone is an image's own program where nothing lists any. It has no capability, is not root, and is started again when it ends. " +
      'All of their logs are shown together. web is up when it listens on PORT, which it has 60 seconds for. Ctrl-c asks every process to end, ' +
      'and kills after 30 seconds; a second one kills at once. Ends by itself, with 1 if any has crashed, when no dyno is to come back.',
    positionals: [{ name: 'image', required: true, many: false, completion: 'image' }],
    takesProgram: false,
    failureCode: 1,
    examples: [{ line: 'tsrun up --formation web=2,worker=1 -f ./Procfile ./app', what: 'three dynos of the folder of an app' }],
  },
];
