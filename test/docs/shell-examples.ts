/** Every line for a shell in the README, docs/cli.md and the help of the commands, with the scene that it is typed in. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { commands } from '../../src/cli/commands.js';
import { said, type Said } from '../support/cli-lab.js';
import { makeImage } from '../support/images.js';
import { saveImages } from '../support/saved-images.js';
import { patience, type Lab } from '../support/lab.js';
import type { Need } from '../support/needs.js';
import { Pty } from '../support/pty.js';
import { blocksOf, checkout } from './examples.js';

export interface Scene {
  /** What the example takes for granted, as lines of a shell. */
  readonly before?: string;
  /** What a person types once there is a prompt. Absent: no terminal. */
  readonly types?: string;
  /** What shows that it did what it says: on standard output, or of the line `after`. */
  readonly shows: RegExp;
  readonly after?: string;
  readonly needs?: readonly Need[];
}

const web = "tsrun run -d --name web ./busybox sh -c 'trap \"echo again\" HUP; echo up; while :; do sleep 0.1; done'; until tsrun logs web | grep -q up; do sleep 0.1; done";
const loaded = 'tsrun load -q -i ./my-app.tar';
const procfile = "printf 'web: exec httpd -f -p $PORT\\nworker: while sleep 1; do date; done\\n' >Procfile";
const app = `${procfile}; tsrun up -d --name my-app -f ./Procfile ./app`;
const limits = ['cgroup2:memory', 'cgroup2:cpu'] as const;
const seated = { types: 'echo $((6 * 7)); exit\r', shows: /\n42\r/ } as const;
const listens = { after: "until tsrun logs web | grep listening; do sleep 0.1; done; cat /sys/fs/cgroup/tsrun/web-*/memory.max" } as const;

export const scenes: Readonly<Record<string, Scene>> = {
  'tsrun run ./my-rootfs -- sh': { shows: /^$/ },
  'tsrun run -it -m 256m --cpus 0.5 ./my-rootfs sh': { ...seated, needs: limits },
  'docker save -o my-app.tar my-app': { before: 'mv my-app.tar saved.tar; docker() { cp saved.tar "$3"; }', shows: /^hello from an image$/m, after: 'tsrun run -q my-app.tar' },
  'tsrun run ./my-app.tar': { shows: /^hello from an image$/m },
  'tsrun run --rm ./my-app.tar': { shows: /^hello from an image$/m },
  'docker save app | tsrun load': { before: 'docker() { cat my-app.tar; }', shows: /^app +latest /m, after: 'tsrun images' },
  'tsrun load --name team/app:v2 oci:./layout:v2': { before: `${loaded}; tsrun tag app v2; tsrun save -q --format oci -o ./layout v2; tsrun rmi -f app`, shows: /^team\/app:v2$/m, after: 'tsrun images --names' },
  'tsrun save team/app:v2 | docker load': { before: `${loaded}; docker() { tar -t; }`, shows: /^(?:\.\/)?manifest\.json$/m },
  'tsrun save --format oci -o ./layout team/app:v2': { before: loaded, shows: /^oci-layout$/m, after: 'ls layout' },
  'tsrun rmi $(tsrun images --names team/app)': { before: loaded, shows: /^0$/m, after: 'tsrun images -q team/app | wc -l' },
  'ls "$(tsrun mount app)"': { before: loaded, shows: /^bin$/m, after: 'ls "$(tsrun mount app)"; tsrun unmount -a' },
  'tsrun unmount --all': { before: `${loaded}; tsrun mount app`, shows: /^\d+$/m, after: 'tsrun mount | tail -n +2 | wc -l | grep -x 0' },
  'tsrun prune -a': { before: loaded, shows: /^Total reclaimed space: [\d.]+MiB$/m },
  'tsrun layers --ci --lowest-efficiency 0.95 --highest-wasted-bytes 20m app': { before: loaded, shows: /^Result: PASS$/m },
  'tsrun up --formation web=2,worker=1 -f ./Procfile ./app': {
    // Whoever reads along leaves when all is up, and the next line of the worker finds that out.
    before: `printf 'web: exec httpd -f -p $PORT\\nworker: while sleep 1; do date; done\\n' >Procfile; eval "plain_$(declare -f tsrun)"; tsrun() { plain_tsrun "$@" | sed '/web.2.*starting to up$/q'; }`,
    shows: /heroku\[web\.2\]: State changed from starting to up$/m,
  },
  'tsrun up -d --name my-app -f ./Procfile ./app': { before: procfile, shows: /^web\.1$/m, after: 'tsrun ps -q --app my-app; tsrun stop' },
  'tsrun scale web=4 worker=2': { before: app, shows: /^web=4 worker=2$/m, after: 'tsrun stop' },
  'tsrun restart web.1 --app my-app': { before: app, shows: /^web\.1$/m, after: 'tsrun stop' },
  'tsrun restart web --preboot --rolling': { before: app, shows: /"my-app\.web\.1-b"/, after: 'tsrun ps --json --app my-app; tsrun stop' },
  'tsrun restart --image ./my-app-2': { before: `${app}; cp -a app my-app-2`, shows: /^web\.1$/m, after: 'tsrun stop' },
  "tsrun run --app my-app 'env | sort'": { before: app, shows: /^DYNO=run\.\d{4}$/m, after: 'tsrun stop' },
  'tsrun doctor': { shows: /kernel/ },
  'tsrun explain ./my-rootfs': { shows: / container +execute +stand-in +paths=\/bin\/sh / },
  'tsrun run -it --rm ./busybox sh': seated,
  'tsrun run -d --name web -m 512m --cpus 1 -e PORT=5000 ./app node server.js': { shows: /^listening on 5000\n536870912$/m, ...listens, needs: limits },
  'tsrun run --rm -v "$PWD":/src:ro -w /src ./node node --test': { shows: /^\/src: --test, read-only$/m },
  'tsrun rm $(tsrun ps -a -q)': { before: 'tsrun run ./busybox true; tsrun run --name two ./busybox true', shows: /two/, after: 'tsrun ps -a -q | wc -l | grep -x 0' },
  'tsrun exec -it web sh': { ...seated, before: web },
  'tsrun logs -f --tail 20 web': { before: "tsrun run -d --name web ./busybox sh -c 'seq 30; sleep 1; echo last'; sleep 0.5", shows: /^1[12]\n(?:\d+\n)+30\nlast\n$/ },
  'tsrun kill -s HUP web': { before: web, shows: /again/, after: 'until tsrun logs web | grep again; do sleep 0.1; done' },
  'tsrun inspect --isolation web': { before: web, shows: /seccomp +1 filter: tsrun's default profile/ },
  'tsrun inspect --diff other web': { before: `${web}; tsrun run -d --name other --network host ./busybox sleep 1000`, shows: /network/ },
  'tsrun diff web': { before: `${web}; tsrun exec web sh -c 'echo 1 > /root/new; rm /etc/passwd'`, shows: /^C \/etc\nD \/etc\/passwd\n(?:[AC] \/root\n)A \/root\/new\n$/ },
  'tsrun cp ./site/. web:/srv/www': { before: `${web}; mkdir site; echo hello >site/index.html; tsrun exec web mkdir -p /srv/www`, shows: /^hello$/m, after: 'tsrun exec web cat /srv/www/index.html' },
  'tsrun cp web:/var/log - | tar -t': { before: `${web}; tsrun exec web sh -c 'mkdir -p /var/log; echo x >/var/log/app'`, shows: /^log\/\nlog\/app$/m },
  'tsrun top --no-stream --sort memory': { before: web, shows: /^web +running /m },
  'tsrun update -m 1g --cpus 2 web': { before: web, shows: /^1073741824$/m, after: 'cat /sys/fs/cgroup/tsrun/web-*/memory.max', needs: limits },
  'tsrun explain ./busybox': { shows: /pivotRoot/ },
  'tsrun explain --diff ./busybox -- --privileged': { shows: /^- .*loadSeccomp/m },
  'tsrun completion bash > /etc/bash_completion.d/tsrun': { shows: /complete /, after: 'cat ./etc/tsrun' },
  'tsrun completion zsh > "${fpath[1]}/_tsrun"': { before: 'fpath=(none .)', shows: /#compdef tsrun/, after: 'cat ./_tsrun' },
  'tsrun completion fish > ~/.config/fish/completions/tsrun.fish': { before: 'mkdir -p ~/.config/fish/completions', shows: /complete -c tsrun/, after: 'cat ~/.config/fish/completions/tsrun.fish' },
};

/** As they stand there, without what is said of them; those of npm are what every run of the tests begins with. */
export function shellExamples(): string[] {
  const indented = readFileSync(join(checkout, 'README.md'), 'utf8').split('\n').filter((line) => line.startsWith('    ')).map((line) => line.trim());
  const readme = indented.map((line) => line.replace(/ +#.*$/, '').replace(/^npx /, '')).filter((line) => !line.startsWith('npm '));
  const reference = blocksOf('docs/cli.md').filter(({ language }) => language === 'sh').flatMap(({ text }) => text.trim().split('\n'));
  const helped = commands.flatMap(({ examples }) => examples.map(({ line }) => line));
  return [...new Set([...readme, ...reference.filter((line) => !line.startsWith('# ')), ...helped])];
}

/** A stand-in for Node: a server, and a runner of tests. */
const program = `#!/bin/sh
[ "$1" = server.js ] && { echo "listening on $PORT"; sleep 1000; }
touch ./x 2>/dev/null && way=writable || way=read-only
echo "$(pwd): $1, $way"
`;

/** A folder of its own, where the images are that examples name, and a state root of its own. */
class Stage {
  readonly folder: string;
  readonly #stateRoot = mkdtempSync('/run/tsrun-test-');
  readonly #main = join(checkout, 'dist/src/cli/main.js');

  constructor(lab: Lab) {
    this.folder = mkdtempSync(join(lab.scratch, 'stage-'));
    // A container's root is nobody there: it may look only where everybody may.
    chmodSync(this.folder, 0o755);
    const app = makeImage(lab, { files: { 'bin/node': program }, mode: 0o755 });
    for (const name of ['busybox', 'my-rootfs']) symlinkSync(lab.image, join(this.folder, name));
    for (const name of ['app', 'node']) symlinkSync(app, join(this.folder, name));
    saveImages(join(this.folder, 'my-app.tar'), { names: ['my-app:latest', 'app:latest', 'team/app:v1', 'team/app:v2'], layers: [app], config: { Cmd: ['echo', 'hello from an image'] } });
  }

  get env(): NodeJS.ProcessEnv {
    return { ...process.env, TSRUN_ROOT: this.#stateRoot, TSRUN_IMAGES: join(this.folder, 'images'), HOME: this.folder, LC_ALL: 'C', NO_COLOR: '1' };
  }

  script(...lines: readonly string[]): string {
    return [`cd '${this.folder}'`, 'mkdir -p etc', `tsrun() { '${process.execPath}' '${this.#main}' "$@"; }`, ...lines].join('\n');
  }

  async sh(...lines: readonly string[]): Promise<Said> {
    return said(spawn('bash', ['-c', this.script(...lines)], { env: this.env, timeout: 60_000 * patience, killSignal: 'SIGKILL', stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  async end(): Promise<void> {
    await this.sh('tsrun rm -f $(tsrun ps -a -q)');
    rmSync(this.#stateRoot, { recursive: true, force: true });
  }
}

export async function play(t: ExecutionContext, lab: Lab, line: string): Promise<void> {
  const scene = scenes[line];
  if (scene === undefined) throw new Error(`no scene for ${line}`);
  t.timeout(120_000 * patience);
  const stage = new Stage(lab);
  const safe = line.replace('/etc/bash_completion.d/', './etc/');
  const before = scene.before === undefined ? [] : [`{ ${scene.before}; } >&2`];
  try {
    if (scene.types !== undefined) {
      const prepared = await stage.sh(...before);
      t.is(prepared.code, 0, prepared.stderr);
      await type(t, stage, safe, scene);
      return;
    }
    const { code, stdout, stderr } = await stage.sh(...before, `${safe} || exit 99`, ...(scene.after === undefined ? [] : [scene.after]));
    t.is(code, 0, stderr);
    t.regex(stdout, scene.shows, stderr);
  } finally {
    await stage.end();
  }
}

async function type(t: ExecutionContext, stage: Stage, line: string, { types = '', shows }: Scene): Promise<void> {
  const pty = new Pty(['bash', '-c', stage.script(line)], { env: Object.fromEntries(Object.entries(stage.env).map(([name, value]) => [name, value ?? ''])) });
  try {
    await pty.see(/# /, 60_000 * patience);
    pty.type(types);
    t.truthy(await pty.see(shows));
    t.deepEqual(await pty.ended, { code: 0, cooked: true });
  } finally {
    pty.end();
  }
}
