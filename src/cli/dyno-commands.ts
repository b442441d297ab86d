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
      'and kills after 30 seconds; a second one kills at once. Ends by itself, with 1 if any has crashed, when no dyno is to come back. ' +
      'With --detach an agent in the background owns the app; ps --app, logs, scale, restart and stop reach it.',
    positionals: [{ name: 'image', required: true, many: false, completion: 'image' }],
    takesProgram: false,
    failureCode: 1,
    examples: [
      { line: 'tsrun up --formation web=2,worker=1 -f ./Procfile ./app', what: 'three dynos of the folder of an app' },
      { line: 'tsrun up -d --name my-app -f ./Procfile ./app', what: 'in the background' },
    ],
  },
  {
    name: 'scale',
    summary: 'change how many dynos an app in the background has',
    usage: 'tsrun scale [flags] TYPE=N…',
    description: 'Process types that are not named stay as they are. Ends when what was to go is gone, and what is new is starting.',
    positionals: [{ name: 'quantity', required: true, many: true, completion: [] }],
    takesProgram: false,
    failureCode: 1,
    examples: [{ line: 'tsrun scale web=4 worker=2', what: 'of the only app in the background' }],
  },
  {
    name: 'restart',
    summary: 'restart dynos of an app in the background',
    usage: 'tsrun restart [flags] [DYNO]',
    description:
      'DYNO is one (web.1) or all of a process type (web); without it all are restarted. Their restart policies count anew. ' +
      'All are asked to end at once, and started when they have; with --rolling one after the other; with --preboot each new one is up before the old one is asked, so that no connection ' +
      'is refused. With --image all are of another image, and with --stack on another stack (a patched base image under the same slug), one after the other in any case.',
    positionals: [{ name: 'dyno', required: false, many: false, completion: [] }],
    takesProgram: false,
    failureCode: 1,
    examples: [
      { line: 'tsrun restart web.1 --app my-app', what: 'one dyno' },
      { line: 'tsrun restart web --preboot --rolling', what: 'all of a type, with no connection refused' },
      { line: 'tsrun restart --image ./my-app-2', what: 'a new version of the app' },
    ],
  },
  {
    name: 'agent',
    summary: 'own an app in the background',
    usage: 'tsrun agent [flags]',
    description:
      'What tsrun up --detach leaves running: it starts dynos again when they end, keeps their log, and answers other commands. Those start it again when it is dead, ' +
      'and it takes over the dynos, which live on; so it need not be started by hand, but may be, by a service manager. Asked to end by a signal it leaves the dynos as they are.',
    positionals: [],
    takesProgram: false,
    failureCode: 1,
    examples: [],
  },
];
