import test from 'ava';
import { parseDotEnv } from '../../../src/dyno/app/dotenv.js';

const rows: readonly [title: string, text: string, variables: Readonly<Record<string, string>>][] = [
  ['a line each, the last of several counts', 'A=1\nB=2\nA=3', { A: '3', B: '2' }],
  ['comments and empty lines', '# one\n\n  # two\nA=1 # three\nB=x#y\nC=#z\n', { A: '1', B: 'x#y', C: '' }],
  ['export, blanks around names and values', 'export A=1\n  B = 2  \nexport  C=3', { A: '1', B: '2', C: '3' }],
  ['an empty value', 'A=\nB=""\nC=\'\'', { A: '', B: '', C: '' }],
  ['equal signs in a value', 'A=x=y==', { A: 'x=y==' }],
  ['double quotes with escapes', 'A="a b"\nB="x\\ny\\t\\"z\\" \\\\ \\$"\nC="#no" # yes', { A: 'a b', B: 'x\ny\t"z" \\ $', C: '#no' }],
  ['single quotes without', "A='a \\n \"b\" #c'", { A: 'a \\n "b" #c' }],
  ['quotes over lines', 'KEY="-----BEGIN-----\nabc\n-----END-----"\nB=\'x\ny\'\nC=1', { KEY: '-----BEGIN-----\nabc\n-----END-----', B: 'x\ny', C: '1' }],
  ['quotes within a value are its own', 'A=it\'s "so"', { A: 'it\'s "so"' }],
  ['nothing is expanded', 'A=$HOME ${B} `c`', { A: '$HOME ${B} `c`' }],
  ['CRLF and a byte order mark', '\ufeffA=1\r\nB="x"\r\n', { A: '1', B: 'x' }],
  ['a key that objects have', '__proto__=1\nconstructor=2', Object.fromEntries([['__proto__', '1'], ['constructor', '2']])],
  ['a JSON object, flattened', '{ "db": { "port": 5432, "hosts": ["a", "b"] }, "debug": true, "none": null }', { DB_PORT: '5432', DB_HOSTS_0: 'a', DB_HOSTS_1: 'b', DEBUG: 'true', NONE: '' }],
  ['nothing', '', {}],
];

for (const [title, text, variables] of rows) {
  test(`.env: ${title}`, (t) => {
    t.deepEqual(parseDotEnv(text), variables);
  });
}

test('.env: what is none is refused, with its line', (t) => {
  for (const [text, message] of [
    ['A=1\nwhat', ".env:2: expected NAME=value, found 'what'"],
    ['A=1\n\n1B=2', '.env:3: "1B" is not the name of a variable'],
    ['=2', '.env:1: "" is not the name of a variable'],
    ['A B=2', '.env:1: "A B" is not the name of a variable'],
    ['A="x\ny', '.env:1: a quote " that is not closed'],
    ["A='x", ".env:1: a quote ' that is not closed"],
    ['B="\n"\nA="x" y', ".env:3: after the closing quote stands 'y'"],
    ['A=\0', '.env: a NUL or half of a surrogate pair'],
    ['{ "a b": 1 }', '.env: "A B" is not the name of a variable'],
  ] as const) {
    t.is(t.throws(() => parseDotEnv(text), { code: 'ERR_TSRUN_INVALID_ARGUMENT' }).message, message);
  }
  t.regex(t.throws(() => parseDotEnv('{ "A": 1,', { source: 'x.env' })).message, /^x\.env:1:10: /);
});

test('.env: lines of hundreds of thousands of characters are read', (t) => {
  t.is(parseDotEnv(`A=${' x'.repeat(200_000)}`)['A']?.length, 399_999);
  t.throws(() => parseDotEnv(`A="${'\\a'.repeat(200_000)}`));
  t.throws(() => parseDotEnv(' '.repeat(100_000) + 'x'.repeat(100_000)));
});
