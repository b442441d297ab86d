import test from 'ava';
import fc from 'fast-check';
import { parseChallenges } from '../../../src/image/registry/challenge.js';

function parsed(header: string | readonly string[]): unknown {
  return parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
}

test('challenges as registries send them', (t) => {
  t.deepEqual(parsed('Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push"'), [
    ['bearer', { realm: 'https://auth.example/token', service: 'registry.example', scope: 'repository:a/b:pull,push' }],
  ]);
  t.deepEqual(parsed('Basic realm="a \\"quoted\\" word", charset=UTF-8'), [['basic', { realm: 'a "quoted" word', charset: 'UTF-8' }]]);
  t.deepEqual(parsed('bearer Realm=https://auth.example/token , service = x'), [['bearer', { realm: 'https://auth.example/token', service: 'x' }]], 'sloppily written');
});

test('several in one header, in several headers, and of schemes that nobody speaks', (t) => {
  t.deepEqual(parsed('Negotiate, Basic realm="x", Bearer realm="y"'), [['negotiate', {}], ['basic', { realm: 'x' }], ['bearer', { realm: 'y' }]]);
  t.deepEqual(parsed('Negotiate YWJj==, Basic realm="x"'), [['negotiate', {}], ['basic', { realm: 'x' }]]);
  t.deepEqual(parsed(['Basic realm="x"', 'Bearer realm="y"']), [['basic', { realm: 'x' }], ['bearer', { realm: 'y' }]]);
  t.deepEqual(parseChallenges(undefined), []);
});

test('what does not fit the grammar ends the list', (t) => {
  t.deepEqual(parsed('Basic realm="x", Bearer realm="y'), [['basic', { realm: 'x' }]], 'no closing quote');
  t.deepEqual(parsed('Bearer realm="x",realm="y"'), [], 'one said twice could mean either');
  t.deepEqual(parsed('"Bearer" realm=x'), []);
  t.deepEqual(parsed(`Bearer realm="${'x'.repeat(9000)}"`), [], 'too long');
  t.deepEqual(parsed(''), []);
});

test('no text makes it fail or wait', (t) => {
  const piece = fc.constantFrom('Bearer', 'Basic', ' ', ',', '=', '"', '\\', 'realm', 'x', '\t', 'ü', '==', '/');
  fc.assert(fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
    for (const { scheme } of parseChallenges(pieces.join(''))) t.regex(scheme, /^[^\s",=]+$/);
  }));
  t.true(parseChallenges('a='.repeat(4000)).length <= 1);
});
