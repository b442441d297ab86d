import test from 'ava';
import fc from 'fast-check';
import { commands } from '../../src/cli/commands.js';
import { flags, spellings } from '../../src/cli/flags.js';
import { parseCommandLine } from '../../src/cli/parse.js';
import { TsrunError } from '../../src/index.js';
import { context, first } from './support.js';

const word = fc.oneof(
  fc.constantFrom('-', '--', '--=', '-=', '---', '', '--help', '-itu', '-eA=B', '__proto__', '--toString', '--constructor=x'),
  fc.constantFrom(...flags.flatMap(spellings)),
  fc.constantFrom(...flags.map(({ name, example }) => `--${name}=${example}`)),
  fc.constantFrom(...flags.map(({ example }) => example)),
  fc.string(),
  fc.string({ unit: 'binary' }),
);

test('whatever the words are, they are understood or refused in one way', (t) => {
  fc.assert(
    fc.property(fc.constantFrom(...commands), fc.array(word, { maxLength: 8 }), (command, words) => {
      try {
        parseCommandLine(command, words, context);
      } catch (error) {
        if (!TsrunError.is(error)) throw error;
        // A refusal is one line, whatever it quotes.
        return error.code === 'ERR_TSRUN_INVALID_ARGUMENT' && error.hint !== undefined && !/\p{Cc}/u.test(error.message);
      }
      return true;
    }),
    { numRuns: 3000 },
  );
  t.pass();
});

test('the words of the program arrive as they were given', (t) => {
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 8 }), (words) => {
      t.deepEqual(first('run', '-i', './image', '--', ...words).options.command, words);
      if (words[0] !== '--') t.deepEqual(first('run', '-i', './image', ...words).options.command, words);
    }),
  );
  t.pass();
});
