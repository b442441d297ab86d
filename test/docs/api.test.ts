// The public surface is documented to its last member, and its report says what it is now.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import ts from 'typescript';
import { apiExamples, publicParts } from './api-examples.js';
import { renderReport, reportPath } from './api-report.js';
import { checkout } from './examples.js';

const every = publicParts().flatMap((part) => [part, ...(part.members ?? [])]);

/** What a reader begins with, each with an example that runs. */
const withExample = [
  ...['open', 'run', 'create', 'plan', 'exec'].map((name) => `Runtime.${name}`),
  ...['attach', 'find', 'adopt'].map((name) => `KnownContainers.${name}`),
  ...['list', 'inspect', 'isolation'].map((name) => `RecordedContainers.${name}`),
  ...['start', 'pause', 'stats', 'events', 'connect', 'update', 'updateLimits'].map((name) => `Container.${name}`),
  ...['kill', 'stop', 'exited'].map((name) => `RunningProcess.${name}`),
  ...['Runtime', 'Container', 'RunOptions.signal', 'Terminal', 'TsrunError', 'explain', 'explainExit', 'examineHost', 'readLog'],
];

test('every export and every member has its sentence', (t) => {
  t.true(every.length > 500);
  t.deepEqual(every.filter(({ doc }) => doc.trim() === '').map(({ name, file }) => `${name} in ${file}`), []);
});

test('the main ones have an example', (t) => {
  const have = new Set(apiExamples().map(({ name }) => name));
  t.deepEqual(withExample.filter((name) => !have.has(name)), []);
});

test('every code of an error says what it means, and only codes that there are are spoken of', (t) => {
  const codes = publicParts().find(({ name }) => name === 'ErrorCode')?.node;
  if (codes === undefined || !ts.isTypeAliasDeclaration(codes) || !ts.isUnionTypeNode(codes.type)) throw new Error('ErrorCode is no list');
  const text = codes.getSourceFile().text;
  const undocumented = codes.type.types.filter((each) => !text.slice(each.getFullStart() - 90, each.getStart()).trimEnd().replace(/\|$/, '').trimEnd().endsWith('*/'));
  t.deepEqual(undocumented.map((each) => each.getText()), []);
  const known = new Set(codes.type.types.map((each) => each.getText().slice(1, -1)));
  const spoken = every.flatMap(({ doc, tags }) => [doc, ...tags.map((tag) => ts.displayPartsToString(tag.text))].join('\n').match(/ERR_TSRUN_\w+/g) ?? []);
  t.true(spoken.length > 30);
  t.deepEqual(spoken.filter((code) => !known.has(code)), []);
});

test('etc/tsrun.api.md is what the surface is: npm run api writes it', (t) => {
  t.is(readFileSync(join(checkout, reportPath), 'utf8'), renderReport(publicParts()));
});

test('control: what is missing is found, what is internal or private is no part of it', (t) => {
  const names = new Set(every.map(({ name }) => name));
  for (const name of ['Runtime.run', 'RunOptions.memory', 'ContainerStats.cpu', 'Resources.memory.limit', 'CgroupFacts']) t.true(names.has(name), name);
  for (const name of ['Launcher', 'RunningProcess.bind', 'Runtime.#launch', 'RunningProcess.endsAs']) t.false(names.has(name), name);
});
