import { Writable } from 'node:stream';
import test from 'ava';
import { isForgiven, tell } from '../../src/cli/tell.js';

/** Refuses every write, a turn later as Node's own do, or at once. */
function full(atOnce: boolean): Writable {
  const write = (_chunk: unknown, _encoding: string, done: (error: Error) => void) => {
    const refuse = () => {
      done(new Error('no room'));
    };
    if (atOnce) refuse();
    else setImmediate(refuse);
  };
  return new Writable({ write });
}

for (const atOnce of [true, false]) {
  test(`words that cannot be written are forgiven, and output is not (${atOnce ? 'a file' : 'a pipe'})`, async (t) => {
    const error = (stream: Writable) => new Promise<Error>((resolve) => void stream.once('error', resolve));
    const words = full(atOnce);
    tell(words, 'a warning\n');
    t.true(isForgiven(await error(words)));
    const output = full(atOnce);
    output.write('output\n');
    t.false(isForgiven(await error(output)));
  });
}
