import test from 'ava';
import fc from 'fast-check';
import { defaultProcess, parseProcfile, type ProcfileDialect } from '../../src/image/procfile.js';
import { isUnsafe } from '../../src/spec/quote.js';
import { TsrunError } from '../../src/spec/errors.js';

const read = (text: string, dialect?: ProcfileDialect) => Object.fromEntries(parseProcfile(text, dialect === undefined ? {} : { dialect }).processTypes);

test('what every platform takes', (t) => {
  const text = 'web: node server.js --port $PORT\nworker: bundle exec sidekiq -c 5 && echo done\n\nrelease: ./migrate\n';
  for (const dialect of ['union', 'heroku-classic', 'cnb', 'dokku', 'foreman', 'herokuish', 'piku'] as const) {
    t.deepEqual(read(text, dialect), { web: 'node server.js --port $PORT', worker: 'bundle exec sidekiq -c 5 && echo done', release: './migrate' }, dialect);
    t.deepEqual(parseProcfile(text, { dialect }).warnings, []);
  }
});

test('the union: what any of them takes, values byte by byte', (t) => {
  const rows: [text: string, processes: Record<string, string>][] = [
    ['web:node a.js', { web: 'node a.js' }],
    ['  web \t:   x', { web: 'x' }],
    ['\ufeffweb: x\r\nworker: y\r\n', { web: 'x', worker: 'y' }],
    ['# c\n // d\n  # e\nweb: a # not a comment', { web: 'a # not a comment' }],
    ["web: run --color '#fff' http://x//y ", { web: "run --color '#fff' http://x//y " }],
    ['Web_2-x: a', { 'Web_2-x': 'a' }],
    ['web: FOO=a:b c: d', { web: 'FOO=a:b c: d' }],
    ['web: ü\u00a0"x"', { web: 'ü\u00a0"x"' }],
    ['', {}],
    ['\n\n#\n', {}],
    ['constructor: a\nvalueOf: b', { constructor: 'a', valueOf: 'b' }],
  ];
  for (const [text, processes] of rows) t.deepEqual(read(text), processes, JSON.stringify(text));
  t.deepEqual([...parseProcfile('__proto__: a').processTypes], [['__proto__', 'a']]);
  const twice = parseProcfile('web: a\nweb: b');
  t.deepEqual([...twice.processTypes], [['web', 'b']]);
  t.deepEqual(twice.warnings, ["Procfile:2: 'web' stands there twice, the last one counts"]);
});

test('errors have the line', (t) => {
  const rows: [text: string, message: RegExp, dialect?: ProcfileDialect][] = [
    ['web: a\nworker b', /^Procfile:2: expected 'type: command', found 'worker b', without a colon$/],
    ['web:', /^Procfile:1: 'web' has no command$/],
    ['\nweb:   \n', /^Procfile:2: 'web' has no command$/],
    ['we b: x', /^Procfile:1: expected/],
    ['a.b: x', /with letters, digits/],
    ['ü: x', /with letters, digits/],
    [': x', /with letters, digits/],
    ['web: a\0b', /^Procfile:1: a NUL/],
    ['web: a\nweb: b', /^Procfile:2: 'web' stands there twice$/, 'dokku'],
    ['# nothing', /names no process type/, 'dokku'],
    ['web', /^Procfile:1: expected/, 'dokku'],
    ['-x: a', /^Procfile:1: '-x' is not a process type of buildpacks/, 'cnb'],
    [`${'x'.repeat(64)}: a`, /is not a process type of buildpacks/, 'cnb'],
    ['web : a', /^Procfile:1: expected/, 'cnb'],
  ];
  for (const [text, message, dialect] of rows) {
    const error = t.throws(() => read(text, dialect), { instanceOf: TsrunError, message }, JSON.stringify(text));
    t.is(error.code, 'ERR_TSRUN_IMAGE');
  }
  t.throws(() => parseProcfile('x', { source: "'Procfile' in 'a.tgz'" }), { message: /^'Procfile' in 'a\.tgz':1: / });
});

test('what each dialect has of its own', (t) => {
  const rows: [dialect: ProcfileDialect, text: string, processes: Record<string, string>, warnings?: RegExp[]][] = [
    ['heroku-classic', 'web node a.js\nworker: b', { web: 'node a.js', worker: 'b' }],
    ['heroku-classic', 'web:a\n?', {}, [/Procfile:1: passed over/, /Procfile:2/]],
    ['heroku-classic', '# web: a', {}],
    ['cnb', 'My_Web: a\n # c', { 'my-web': 'a' }, [/'My_Web' is taken for 'my-web'/]],
    ['cnb', 'web: a\nWEB: b', { web: 'b' }, [/is taken for/, /twice/]],
    ['dokku', 'web: a # c\nworker: b // d', { web: 'a', worker: 'b' }],
    ['dokku', "web: x '#fff'", { web: "x '#fff'" }],
    ['dokku', 'web : a', { web: 'a' }],
    ['foreman', 'web:a\nno colon\n# x', { web: 'a' }, [/Procfile:2/]],
    ['herokuish', 'web: a\nweb: b', { web: 'a' }, [/the first one counts/]],
    ['herokuish', 'my web: a', { 'my web': 'a' }],
    ['piku', 'web: a\nweb: b\nx', { web: 'b' }, [/the last one counts/, /Procfile:3/]],
  ];
  for (const [dialect, text, processes, warnings = []] of rows) {
    const found = parseProcfile(text, { dialect });
    t.deepEqual(Object.fromEntries(found.processTypes), processes, `${dialect}: ${text}`);
    t.is(found.warnings.length, warnings.length, found.warnings.join());
    for (const [index, warning] of warnings.entries()) t.regex(found.warnings[index] ?? '', warning);
  }
});

test('web is the default, or the only one', (t) => {
  const rows: [text: string, command: string | undefined][] = [['a: 1\nweb: 2', '2'], ['a: 1', '1'], ['a: 1\nb: 2', undefined], ['', undefined]];
  for (const [text, command] of rows) t.is(defaultProcess(parseProcfile(text).processTypes), command);
});

test('property: types and commands come back as they were written', (t) => {
  const key = fc.stringMatching(/^[\w-]{1,20}$/);
  const value = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }).filter((text) => /^\S[^\n\r]*$/.test(text) && !isUnsafe(text));
  fc.assert(fc.property(fc.uniqueArray(fc.tuple(key, value), { selector: ([name]) => name }), (entries) => {
    const text = entries.map(([name, command]) => `${name}: ${command}`).join('\n');
    t.deepEqual([...parseProcfile(text).processTypes], entries);
  }), { numRuns: 500 });
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => {
    try {
      parseProcfile(text);
    } catch (error) {
      t.true(TsrunError.is(error) && error.code === 'ERR_TSRUN_IMAGE');
    }
  }), { numRuns: 2000 });
});
