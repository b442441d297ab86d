import test from 'ava';
import fc from 'fast-check';
import { isReference, parseReference, shortName, wholeName } from '../../src/image/reference.js';
import { TsrunError } from '../../src/spec/errors.js';

const hex = 'a'.repeat(64);
const digest = `sha256:${hex}`;

test('names are completed as docker completes them', (t) => {
  const rows: [text: string, whole: string, short: string][] = [
    ['alpine', 'docker.io/library/alpine:latest', 'alpine:latest'],
    ['alpine:3.20', 'docker.io/library/alpine:3.20', 'alpine:3.20'],
    ['library/alpine', 'docker.io/library/alpine:latest', 'alpine:latest'],
    ['docker.io/alpine', 'docker.io/library/alpine:latest', 'alpine:latest'],
    ['index.docker.io/library/alpine', 'docker.io/library/alpine:latest', 'alpine:latest'],
    ['team/app:v1', 'docker.io/team/app:v1', 'team/app:v1'],
    ['localhost', 'docker.io/library/localhost:latest', 'localhost:latest'],
    ['localhost:5000', 'docker.io/library/localhost:5000', 'localhost:5000'],
    ['localhost/app', 'localhost/app:latest', 'localhost/app:latest'],
    ['host:5000/team/app:2', 'host:5000/team/app:2', 'host:5000/team/app:2'],
    ['reg.example/a__b/c-d--e.f', 'reg.example/a__b/c-d--e.f:latest', 'reg.example/a__b/c-d--e.f:latest'],
    ['[::1]:5000/app', '[::1]:5000/app:latest', '[::1]:5000/app:latest'],
    ['127.0.0.1:80/app', '127.0.0.1:80/app:latest', '127.0.0.1:80/app:latest'],
    ['Host/app', 'Host/app:latest', 'Host/app:latest'],
    [`alpine@${digest}`, `docker.io/library/alpine@${digest}`, `alpine@${digest}`],
    [`r.io/a:1@${digest}`, `r.io/a:1@${digest}`, `r.io/a:1@${digest}`],
    ['docker.io/library/localhost/x', 'docker.io/library/localhost/x:latest', 'docker.io/library/localhost/x:latest'],
  ];
  for (const [text, whole, short] of rows) {
    const reference = parseReference(text);
    t.is(wholeName(reference), whole);
    t.is(shortName(reference), short);
    t.deepEqual(parseReference(short), reference, `${short} is the same name`);
  }
  t.deepEqual(parseReference(`a:1@${digest}`), { domain: 'docker.io', path: 'library/a', tag: '1', digest });
});

test('what breaks the grammar is refused with the part that does', (t) => {
  const rows: [text: string, fault: RegExp][] = [
    ['', /it is empty/],
    ['x'.repeat(2000), /longer than 1024/],
    ['https://host/app', /starts with a scheme/],
    [hex, /id of an image/],
    ['Alpine', /'Alpine' must be in lower case/],
    ['host.example/Team/app', /'Team' must be in lower case/],
    ['a//b', /empty part/],
    ['a/', /empty part/],
    ['/a', /empty part/],
    ['a b', /'a b' may hold/],
    ['a..b', /may hold/],
    ['a___b', /may hold/],
    ['a-', /may hold/],
    ['-a', /may hold/],
    ['ä', /may hold/],
    ['a\n', /may hold/],
    ['a:', /a tag has/],
    ['a:-b', /a tag has/],
    ['a:.b', /a tag has/],
    [`a:${'t'.repeat(129)}`, /a tag has 1 to 128/],
    [`a:b\u202e`, /\\u202e/],
    ['host:/a', /neither a host nor host:port/],
    ['-host.example/a', /neither a host/],
    ['host.example:0/a', /no port 0/],
    ['host.example:65536/a', /no port 65536/],
    [`host.example/${'a/'.repeat(127)}ab`, /longer than 255/],
    ['host.example/:tag', /name is missing/],
    ['a@', /a digest is/],
    ['a@sha256:abc', /64 lower-case/],
    [`a@sha256:${'A'.repeat(64)}`, /64 lower-case/],
    [`a@sha512:${'a'.repeat(128)}`, /algorithm sha512 are not supported/],
    [`a@${digest}@${digest}`, /a digest is/],
  ];
  for (const [text, fault] of rows) {
    t.false(isReference(text), text);
    const error = t.throws(() => parseReference(text), { instanceOf: TsrunError, message: fault }, text);
    t.is(error.code, 'ERR_TSRUN_INVALID_ARGUMENT');
  }
  t.true(isReference(`a:${'t'.repeat(128)}`));
  t.true(isReference(`host.example/${'a/'.repeat(127)}a`));
});

const alnum = fc.stringMatching(/^[a-z0-9]{1,6}$/);
const part = fc.tuple(alnum, fc.array(fc.tuple(fc.constantFrom('.', '_', '__', '-', '---'), alnum), { maxLength: 2 })).map(([first, rest]) => first + rest.flat().join(''));
const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const domain = fc.constantFrom('localhost', 'localhost:5000', 'a.b', 'A-1.example:443', '[fe80::1]:1', '10.0.0.1');
const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/);
const name = fc.record({ domain: fc.option(domain), path, tag: fc.option(tag), hex: fc.option(fc.stringMatching(/^[0-9a-f]{64}$/)) });

test('property: every name of the grammar is taken, and its whole name is the same name', (t) => {
  fc.assert(fc.property(name, ({ domain: host, path: below, tag: label, hex: digits }) => {
    const digestPart = digits === null ? '' : `@sha256:${digits}`;
    const text = `${host === null ? '' : `${host}/`}${below}${label === null ? '' : `:${label}`}${digestPart}`;
    fc.pre(host !== null || !/^(?:localhost\/|[^/]*\..*\/)/.test(below)); // Its first part is taken for a host.
    const reference = parseReference(text);
    t.is(reference.domain, host ?? 'docker.io');
    t.is(reference.tag, label ?? (digits === null ? 'latest' : undefined));
    t.deepEqual(parseReference(wholeName(reference)), reference);
    t.deepEqual(parseReference(shortName(reference)), reference);
  }), { numRuns: 2000 });
});

test('property: any text is a name or has a fault, and what is taken comes back', (t) => {
  const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-zA-Z0-9.:/@_-]{0,40}$/), fc.stringMatching(/^[a-z:./@-]{0,300}$/));
  fc.assert(fc.property(texts, (text) => {
    if (!isReference(text)) return;
    const reference = parseReference(text);
    t.deepEqual(parseReference(wholeName(reference)), reference);
    t.regex(wholeName(reference), /^[\w.:[\]-]+\/[a-z\d._/-]+(?::[\w.-]+)?(?:@sha256:[\da-f]{64})?$/);
  }), { numRuns: 5000 });
});
