/** The table of commands: what help, reference and completion say, and how their words are read. `handlers.ts` does them. */
import { nearest } from '../index.js';
import type { Command, Positional } from './command.js';
import { dynoCommands } from './dyno-commands.js';
import { insideCommands } from './inside-commands.js';
import { watchingCommands } from './watching-commands.js';

const image: Positional = { name: 'image', required: true, many: false, completion: 'image' };
const container: Positional = { name: 'container', required: true, many: false, completion: 'container' };
const containers: Positional = { ...container, many: true };
const stored: Positional = { ...image, completion: 'stored-image' };
const plain = { takesProgram: false, failureCode: 1, examples: [] } as const;
const attached = { takesProgram: true, failureCode: 125 } as const;
const lookedAt = 'IMAGE is one of the store; or a file or folder that holds one, as for run, which is taken into the store for it.';

export const commands: readonly Command[] = [
  {
    ...attached,
    name: 'run',
    summary: 'run an image as a new container',
    usage: 'tsrun run [flags] IMAGE [--] [PROGRAM [ARGUMENT…]], or tsrun run --app NAME [flags] [--] COMMAND…',
    description:
      'IMAGE is the name of an image, which is fetched from its registry where it is not here; a file or folder that holds one (docker save, an OCI layout, a slug); ' +
      'an unpacked root file system; or an OCI bundle, which has the walls that its config.json names. All others get the default walls; flags change them. ' +
      'docker:// docker-archive: oci: dir: and slug: before it say what it is. Flags end at IMAGE; what follows is for the program. ' +
      'Signals are passed on. Without --tty, ctrl-c twice within 5 seconds kills; with --interactive --tty, ctrl-p ctrl-q detaches. ' +
      'What a container prints is kept for logs and attach when it is started with --detach or --tty, or prints to a terminal: else it ' +
      'goes straight to who started it, and is not written down. ' +
      'With --app there is no image: COMMAND is run once beside the dynos of an app in the background, as heroku run does it. One word is a line for the shell; a process type as the ' +
      'first word stands for its command. At a terminal it has one, and it reads what comes in; with --detach the log has what it prints. When its client is lost, all of its processes get SIGHUP.',
    positionals: [image],
    examples: [
      { line: 'tsrun run --rm ./my-app.tar', what: 'an image as docker save writes it' },
      { line: 'tsrun run -it --rm ./busybox sh', what: 'a shell in a disposable container' },
      { line: 'tsrun run -d --name web -m 512m --cpus 1 -e PORT=5000 ./app node server.js', what: 'a limited server in the background' },
      { line: "tsrun run --app my-app 'env | sort'", what: 'once, beside the dynos of an app in the background' },
      { line: 'tsrun run --rm -v "$PWD":/src:ro -w /src ./node node --test', what: "a folder's tests, unable to change it" },
    ],
  },
  ...dynoCommands,
  {
    ...plain,
    name: 'ps',
    summary: 'list containers, or the dynos of an app',
    usage: 'tsrun ps [flags]',
    description: 'Only looks: nothing is started, made or removed, also where no container ever was.',
    positionals: [],
    examples: [{ line: 'tsrun rm $(tsrun ps -a -q)', what: 'forget every container that has ended' }],
  },
  {
    ...attached,
    name: 'exec',
    summary: 'run another program in a running container',
    usage: 'tsrun exec [flags] CONTAINER [--] PROGRAM [ARGUMENT…]',
    description: 'Ends with the exit code of the program, which ends with the container at the latest. Signals and keys are as for run.',
    positionals: [container],
    examples: [{ line: 'tsrun exec -it web sh', what: 'a shell beside the server' }],
  },
  {
    ...plain,
    failureCode: 125,
    name: 'attach',
    summary: "connect to a running container's input and output",
    usage: 'tsrun attach [flags] CONTAINER',
    description:
      'With --app CONTAINER is a one-off dyno (run.1234) that has no client now. ' +
      'For containers that were started with --detach or --tty, or at a terminal. Shows what is printed from now on, passes signals on, and ends ' +
      'with the exit code of the container. With a terminal, ctrl-p ctrl-q leaves the container running.',
    positionals: [container],
  },
  {
    ...plain,
    name: 'logs',
    summary: 'show what a container or an app has printed',
    usage: 'tsrun logs [flags] [CONTAINER]',
    description:
      'Without CONTAINER, the last 1500 lines of an app that runs in the background. For containers that were started with --detach or --tty, or at a terminal, also when they have ended, until rm. ' +
      'The last 1 MiB is kept, of which the older half goes when it is full. Docker keeps the output of every container; here one in the foreground whose output goes elsewhere writes straight there.',
    positionals: [{ ...container, required: false }],
    examples: [{ line: 'tsrun logs -f --tail 20 web', what: 'the last 20 lines, and what comes' }],
  },
  {
    ...plain,
    name: 'stop',
    summary: 'ask containers or an app to end, then kill them',
    usage: 'tsrun stop [flags] [CONTAINER…]',
    description: 'Without CONTAINER an app that runs in the background is stopped: the one that --app names, or the only one. With both, one-off dynos of that app are (run.1234).',
    positionals: [{ ...containers, required: false }],
  },
  {
    ...plain,
    name: 'kill',
    summary: 'send a signal to containers',
    usage: 'tsrun kill [flags] CONTAINER…',
    positionals: [containers],
    examples: [{ line: 'tsrun kill -s HUP web', what: 'make a server read its configuration again' }],
  },
  {
    ...plain,
    name: 'rm',
    summary: 'forget containers that have ended',
    usage: 'tsrun rm [flags] CONTAINER…',
    positionals: [containers],
  },
  {
    ...plain,
    name: 'pause',
    summary: 'freeze containers',
    usage: 'tsrun pause CONTAINER…',
    positionals: [containers],
  },
  {
    ...plain,
    name: 'unpause',
    summary: 'let frozen containers go on',
    usage: 'tsrun unpause CONTAINER…',
    positionals: [containers],
  },
  {
    ...plain,
    name: 'wait',
    summary: 'wait until containers end, and print their exit codes',
    usage: 'tsrun wait CONTAINER…',
    positionals: [containers],
  },
  ...watchingCommands,
  {
    ...plain,
    name: 'inspect',
    summary: 'show everything that is known of a container or an image',
    usage: 'tsrun inspect [flags] CONTAINER|IMAGE',
    description: lookedAt,
    positionals: [{ name: 'container or image', required: true, many: false, completion: 'object' }],
    examples: [
      { line: 'tsrun inspect --isolation web', what: 'which walls stand' },
      { line: 'tsrun inspect --diff other web', what: 'which walls differ between two containers' },
    ],
  },
  {
    ...plain,
    name: 'update',
    summary: 'change the limits of running containers',
    usage: 'tsrun update flags CONTAINER…',
    positionals: [containers],
    examples: [{ line: 'tsrun update -m 1g --cpus 2 web', what: 'more room for a server' }],
  },
  {
    ...plain,
    name: 'cp',
    summary: 'copy files and folders between a container and the host',
    usage: 'tsrun cp [flags] SOURCE DESTINATION',
    description:
      'One of the two is CONTAINER:PATH, which starts at the root of the container. Copies into DESTINATION where that is a folder, else ' +
      'makes or replaces it; SOURCE/. is the contents of a folder. A single - is a tar archive on standard input, which is unpacked into a ' +
      'folder, or on standard output. A path of the host with a colon is written with a slash or a dot in front of it: ./a:b. Works while ' +
      'the container runs, also paused, and on what it left on disk (run with --storage-opt type=disk, or --writable).',
    positionals: [
      { name: 'source', required: true, many: false, completion: 'path' },
      { name: 'destination', required: true, many: false, completion: 'path' },
    ],
    examples: [
      { line: 'tsrun cp ./site/. web:/srv/www', what: 'the contents of a folder' },
      { line: 'tsrun cp web:/var/log - | tar -t', what: 'look into a folder as an archive' },
    ],
  },
  {
    ...plain,
    name: 'images',
    summary: 'list images',
    usage: 'tsrun images [flags] [NAME]',
    description: 'NAME shows those of one repository alone, or with a tag the one.',
    positionals: [{ ...stored, name: 'name', required: false }],
    examples: [{ line: 'tsrun rmi $(tsrun images --names team/app)', what: 'remove every version of an image' }],
  },
  {
    ...plain,
    name: 'pull',
    summary: 'fetch an image from a registry',
    usage: 'tsrun pull [flags] IMAGE',
    description: 'Prints the whole name of the image when it is there. Layers that are here already are not fetched again, and what was broken off goes on where it ended. A name is completed as docker completes it: localhost:5000/team/app:v2 is of a registry of your own.',
    positionals: [stored],
  },
  {
    ...plain,
    name: 'load',
    aliases: ['import'],
    summary: 'take images from a file or folder into the store; also called import',
    usage: 'tsrun load [flags] [IMAGE]',
    description: 'IMAGE is what docker save wrote, an OCI image layout as a folder or tar, or a slug. Without it and --input the file is read from standard input.',
    positionals: [{ ...image, required: false }],
    examples: [
      { line: 'docker save app | tsrun load', what: "an image of docker's" },
      { line: 'tsrun load --name team/app:v2 oci:./layout:v2', what: 'one image of several, with a name of its own' },
    ],
  },
  {
    ...plain,
    name: 'save',
    summary: 'write images to a file or folder',
    usage: 'tsrun save [flags] IMAGE…',
    positionals: [{ ...stored, many: true }],
    examples: [
      { line: 'tsrun save team/app:v2 | docker load', what: 'give an image to docker' },
      { line: 'tsrun save --format oci -o ./layout team/app:v2', what: 'an OCI image layout' },
    ],
  },
  {
    ...plain,
    name: 'tag',
    summary: 'give an image another name',
    usage: 'tsrun tag IMAGE NAME',
    positionals: [stored, { ...stored, name: 'name' }],
  },
  {
    ...plain,
    name: 'rmi',
    summary: 'take away names of images, and images without a name',
    usage: 'tsrun rmi [flags] IMAGE…',
    description: 'With its last name an image goes, with all layers that no other has. What a container uses stays until that is removed.',
    positionals: [{ ...stored, many: true }],
  },
  {
    ...plain,
    name: 'prune',
    summary: 'remove images that nobody has named and no container uses',
    usage: 'tsrun prune [flags]',
    positionals: [],
    examples: [{ line: 'tsrun prune -a', what: 'remove all that no container uses' }],
  },
  {
    ...plain,
    name: 'history',
    summary: 'show how an image was made, the last step first',
    usage: 'tsrun history [flags] IMAGE',
    description: lookedAt,
    positionals: [stored],
  },
  {
    ...plain,
    name: 'layers',
    summary: 'show what each layer of an image adds, changes and removes, and what of it is wasted',
    usage: 'tsrun layers [flags] IMAGE',
    description:
      'The bytes of a layer are wasted that nobody sees: their files are overwritten or removed by a later one. Totals and efficiency are reckoned as dive does: a path in several layers wastes all its bytes, and needs those of its smallest version. ' +
      `With --ci the image is judged by thresholds, as dive judges it. ${lookedAt}`,
    positionals: [stored],
    examples: [{ line: 'tsrun layers --ci --lowest-efficiency 0.95 --highest-wasted-bytes 20m app', what: 'fail a build that wastes too much' }],
  },
  ...insideCommands,
  {
    ...plain,
    name: 'gc',
    summary: 'remove what dead owners have left behind',
    usage: 'tsrun gc',
    positionals: [],
  },
  {
    ...plain,
    takesProgram: true,
    name: 'explain',
    summary: 'print what run would do, step by step, without doing it',
    usage: 'tsrun explain [flags] IMAGE [PROGRAM [ARGUMENT…]] [-- [flags] [IMAGE [PROGRAM…]]]',
    description:
      'Takes every flag of run. With --diff, a second set of flags follows after --, and only the difference is printed; ' +
      'the second set names an image and a program only where they differ. Where neither you nor the image name a program, ' +
      'which run refuses, /bin/sh stands in for it, and the plan says so.',
    positionals: [image],
    examples: [
      { line: 'tsrun explain ./busybox', what: 'the default plan, each step with its cause' },
      { line: 'tsrun explain --diff ./busybox -- --privileged', what: 'what --privileged takes away' },
    ],
  },
  {
    ...plain,
    name: 'doctor',
    summary: 'say what this host can and cannot do, and how to change it',
    usage: 'tsrun doctor [flags]',
    positionals: [],
  },
  {
    ...plain,
    name: 'completion',
    summary: 'print a completion script for a shell',
    usage: 'tsrun completion bash|zsh|fish',
    positionals: [{ name: 'shell', required: true, many: false, completion: ['bash', 'zsh', 'fish'] }],
    examples: [
      { line: 'tsrun completion bash > /etc/bash_completion.d/tsrun', what: 'for every user of bash' },
      { line: 'tsrun completion zsh > "${fpath[1]}/_tsrun"', what: 'for zsh' },
      { line: 'tsrun completion fish > ~/.config/fish/completions/tsrun.fish', what: 'for fish' },
    ],
  },
];

export function findCommand(name: string): Command | undefined {
  return commands.find((command) => command.name === name || command.aliases?.includes(name) === true);
}

export function nearestCommand(word: string): string | undefined {
  return nearest(word, [...commands.map((command) => command.name), 'help']);
}
