// Images of a registry, as a person fetches them: when they are missing, always or never, and given up in the middle.
import test from 'ava';
import { Runtime, TsrunError } from '../../src/index.js';
import { appArchive, registryWithApp } from '../support/app-archive.js';
import { CommandLab, refusal } from '../support/command-lab.js';
import type { FakeRegistry } from '../support/fake-registry.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';

const lab = new CommandLab();
/** For its folders alone. */
const folders = new Lab();
const here = needs('root', 'userns', 'overlay');

/** Each test begins with an empty store. */
test.beforeEach(() => { lab.emptyStore(); });

here('an image is pulled when it is missing, and each time or never when that is asked for', async (t) => {
  const registry = await registryWithApp(t, folders);
  const name = `${registry.host}/team/pulled:v1`;
  t.deepEqual(refusal(await lab.call(['run', '--rm', '--pull', 'never', name, 'true'])).slice(0, 2), [125, '']);
  t.deepEqual(registry.paths, []);
  const first = await lab.call(['run', '--rm', name, 'echo', 'ran']);
  t.is(first.stdout, 'ran\n', first.stderr);
  t.regex(first.stderr, /^[\da-f]{12}: fetched \([\d.]+MiB\)\n[\da-f]{12}: unpacked/m);
  const asked = registry.paths.length;
  t.is((await lab.call(['run', '--rm', name, 'true'])).stderr, '');
  t.is(registry.paths.length, asked, 'it is here');
  t.is((await lab.call(['run', '--rm', '--pull', 'always', name, 'true'])).code, 0);
  t.true(registry.paths.length > asked);
  t.is((await lab.call(['pull', '-q', name])).stdout, `${name}\n`);
  t.is((await lab.call(['pull', '-q', '--name', 'mine:1', name])).stdout, 'mine:1\n');
  // It has two names by now; what is told is the one that was asked for, however it was written.
  t.is((await lab.call(['pull', '-q', `docker://${name}`])).stdout, `${name}\n`);
  t.regex((await lab.call(['pull', `${registry.host}/team/none:1`])).stderr, /team\/none/);
});

here('who pulls what lies in a file or folder is told how it is taken', async (t) => {
  const archive = appArchive(folders);
  for (const reference of [archive, `docker-archive:${archive}`]) {
    const { code, stderr } = await lab.call(['pull', reference]);
    t.is(code, 125);
    t.regex(stderr, new RegExp(`is not the name of an image: .*\\nhint: '${reference}' lies here: tsrun load ${reference}\\n$`));
  }
  t.regex((await lab.call(['pull', lab.image])).stderr, new RegExp(`hint: '${lab.image}' lies here: tsrun run ${lab.image}\\n$`));
  t.notRegex((await lab.call(['pull', './no/such.tar'])).stderr, /lies here/);
  const missing = await lab.call(['pull', '--authfile', '/no/such.json', 'localhost:1/x']);
  t.regex(missing.stderr, /^tsrun: the auth file '\/no\/such\.json' is not there\nhint: /);
});

here('a pull that is given up at any moment ends with its error, and with that alone', async (t) => {
  const registry = await registryWithApp(t, folders);
  hang(registry);
  await using runtime = await Runtime.open({ root: lab.stateRoot, imageRoot: lab.imageRoot });
  for (let delayMs = 0; delayMs < 30; delayMs += 3) {
    const controller = new AbortController();
    const work = runtime.images.pull(`${registry.host}/team/pulled:v1`, { signal: controller.signal });
    const watch = async () => {
      for await (const { stage, doneBytes } of work) {
        if (stage === 'fetching' && doneBytes > 0) setTimeout(() => { controller.abort('enough'); }, delayMs);
      }
    };
    // What is rejected besides, and looked at by nobody, fails the file.
    const error: unknown = await t.throwsAsync(watch());
    t.is(await work.done.catch((reason: unknown) => reason), error, 'the loop and the promise fail with the same');
    t.true(TsrunError.is(error) && error.code === 'ERR_TSRUN_ABORTED' && error.cause === 'enough', String(error));
  }
});

/** The layer comes by half until the function that it gives is called. */
function hang(registry: FakeRegistry): () => void {
  let hangs = true;
  registry.intercept = ({ url }, response) => {
    const layer = [...registry.blobs].find(([digest, bytes]) => url.endsWith(digest) && bytes.length > 500_000)?.[1];
    if (!hangs || layer === undefined) return false;
    response.writeHead(200, { 'content-length': layer.length }).write(layer.subarray(0, 500_000));
    return true;
  };
  return () => {
    hangs = false;
  };
}

needs('root', 'userns', 'overlay', 'command:python3')('ctrl-c gives a pull up and leaves the terminal as it was; a pull draws what it does', async (t) => {
  const registry = await registryWithApp(t, folders);
  const goOn = hang(registry);
  const words = ['pull', `${registry.host}/team/pulled:v1`];
  const given = lab.pty(words);
  await given.see(/fetching/);
  given.type('\x03');
  t.deepEqual(await given.ended, { code: 130, cooked: true }, given.screen);
  t.regex(given.screen, /\x1b\[\?25h[^]*interrupted by SIGINT/);
  goOn();
  const whole = lab.pty(words);
  await whole.see(/unpacked/);
  t.deepEqual(await whole.ended, { code: 0, cooked: true });
  t.regex(whole.screen, /\x1b\[\?25h/);
});

test.after.always(() => {
  folders.removeFolders();
});

lab.declareLeakTest();
