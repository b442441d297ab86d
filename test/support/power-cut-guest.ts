/**
 * What a machine does whose power is cut: `power-cut-guest.js FOLDER`. State root and image store lie in the folder, on a disk that stays.
 * First every command has to work on what the last cut has left; then containers and images are made and deleted, until the end comes.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Runtime, TsrunError } from '../../src/index.js';
import { makeImage } from './images.js';
import { stateEntries } from './leaks.js';
import { saveImages } from './saved-images.js';

const checkout = resolve(import.meta.dirname, '../../..');
const command = join(checkout, 'dist/bundle/cli/main.cjs');
const name = 'cut/app:v1';
/** The same at every boot, so that a layer that was half written before is missed. */
const parts = Array.from({ length: 40 }, (_, index) => String(index).repeat(5000 * (index + 1)));
const digest = createHash('sha256').update(parts.join('')).digest('hex');

class Machine {
  readonly #image = spawnSync(process.execPath, [join(checkout, 'rootfs-fixtures/build.mjs'), 'busybox'], { encoding: 'utf8', cwd: checkout }).stdout.trim();
  readonly #root: string;
  readonly #store: string;
  readonly #archive: string;

  constructor(folder: string) {
    this.#root = join(folder, 'state');
    this.#store = join(folder, 'store');
    mkdirSync(this.#root, { recursive: true });
    const files = Object.fromEntries(parts.map((text, index) => [`data/${String(index).padStart(2, '0')}`, text]));
    const scratch = mkdtempSync(join(tmpdir(), 'tsrun-power-'));
    const layer = makeImage({ image: this.#image, scratch }, { files });
    this.#archive = saveImages(join(scratch, 'app.tar'), { names: [name], layers: [layer], config: { Cmd: ['sh', '-c', 'cat /data/* | busybox sha256sum'] } });
  }

  get #env(): NodeJS.ProcessEnv {
    return { ...process.env, TSRUN_ROOT: this.#root, TSRUN_IMAGES: this.#store };
  }

  /** Gives what it prints. @throws with all that it says, when it fails or does not print that */
  #tsrun(words: readonly string[], shows = /(?:)/): string {
    const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...words], { encoding: 'utf8', env: this.#env, timeout: 120_000 });
    if (status !== 0 || !shows.test(stdout)) throw new Error(`tsrun ${words.join(' ')}: ${String(status)}: ${stdout}${stderr}`);
    return stdout;
  }

  check(): void {
    this.#checkContainers();
    this.#checkImages();
    this.#checkLife();
    this.#checkEmpty();
  }

  /** Of what ran nothing is left but what was to be kept. */
  #checkContainers(): void {
    this.#tsrun(['gc']);
    const kept = this.#tsrun(['ps', '-aq']).trim().split('\n').filter((id) => id !== '');
    if (kept.length > 0) this.#tsrun(['rm', '-f', ...kept]);
    const left = stateEntries(this.#root);
    if (left.length > 0) throw new Error(`in the state root: ${left.join(' ')}`);
  }

  /** What has a name is whole. */
  #checkImages(): void {
    const images = this.#tsrun(['images', '--names']);
    if (images.includes('cut/app')) this.#tsrun(['run', '--rm', '--pull', 'never', name], new RegExp(digest));
    this.#tsrun(['load', '-q', '-i', this.#archive]);
    this.#tsrun(['run', '--rm', name], new RegExp(digest));
  }

  /** By the names that the load uses. */
  #checkLife(): void {
    this.#tsrun(['run', '-d', '--name', 'cut-command', this.#image, 'sh', '-c', 'echo up; exec sleep 1000']);
    this.#tsrun(['ps'], /cut-command/);
    this.#tsrun(['exec', 'cut-command', 'id'], /uid=0/);
    this.#tsrun(['pause', 'cut-command']);
    this.#tsrun(['unpause', 'cut-command']);
    this.#tsrun(['inspect', 'cut-command'], /"running"/);
    this.#tsrun(['logs', 'cut-command'], /up/);
    this.#tsrun(['stop', '-t', '0', 'cut-command']);
    this.#tsrun(['rm', 'cut-command']);
    this.#tsrun(['run', '--rm', '--name', 'cut-disk', '--storage-opt', 'type=disk', name, 'sh', '-c', 'echo written > /data/new && cat /data/new'], /written/);
  }

  #checkEmpty(): void {
    this.#tsrun(['rmi', '-f', name]);
    this.#tsrun(['prune', '-a']);
    const folders = ['blobs/sha256', 'layers', 'images', 'names', 'uppers', 'tmp'].map((each) => join(this.#store, each)).filter((each) => existsSync(each));
    const left = [...stateEntries(this.#root), ...folders.flatMap((folder) => readdirSync(folder).map((entry) => join(folder, entry)))];
    if (left.length > 0) throw new Error(`after all was removed: ${left.join(' ')}`);
  }

  /** Never ends by itself; with what fails. */
  async load(): Promise<never> {
    const runtime = await Runtime.open({ root: this.#root, imageRoot: this.#store });
    const loops = [
      async () => (await runtime.run(this.#image, { id: 'cut-memory', command: ['true'] })).exited,
      async () => {
        const container = await runtime.run(this.#image, { id: 'cut-disk', command: ['sh', '-c', 'echo x > /x'], rootStorage: 'disk', autoRemove: false });
        await container.exited;
        await runtime.discard('cut-disk');
      },
      async () => {
        await runtime.images.import(this.#archive, { name }).done;
        await runtime.images.remove(name, { force: true }).catch((error: unknown) => {
          if (!TsrunError.is(error)) throw error;
        });
      },
      async () => {
        await this.#spawn(['run', '-d', '--pull', 'never', '--name', 'cut-command', name, 'sleep', '1000']);
        await this.#spawn(['rm', '-f', 'cut-command']);
      },
    ];
    return Promise.race(loops.map(async (one): Promise<never> => {
      for (;;) await one();
    }));
  }

  /** Whatever becomes of it: the image comes and goes. */
  async #spawn(words: readonly string[]): Promise<void> {
    await once(spawn(process.execPath, [command, ...words], { stdio: 'ignore', env: this.#env }), 'close');
  }
}

const machine = new Machine(resolve(process.argv[2] ?? ''));
machine.check();
console.log('every command works; under load');
await machine.load();
