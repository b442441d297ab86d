/** The examples in the comments of the public surface, run as a reader would who has a root file system at `./rootfs`. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import ts from 'typescript';
import { patience, type Lab } from '../support/lab.js';
import type { Need } from '../support/needs.js';
import { Surface, type Part } from './api-surface.js';
import { compile, makeProject } from './examples.js';
import { matches } from './experiments.js';
import { RunningProgram } from './running-program.js';

export interface ApiExample {
  /** Of the part of the surface that it belongs to. */
  readonly name: string;
  readonly text: string;
  /** Named in its first line, `// needs: …`. */
  readonly needs: readonly Need[];
}

/** Everybody who reads the surface reads it once. */
let surface: Surface | undefined;

export function publicParts(): readonly Part[] {
  surface ??= new Surface();
  return surface.parts;
}

export function apiExamples(): ApiExample[] {
  return publicParts().flatMap((part) => [part, ...(part.members ?? [])]).flatMap(({ name, tags }) =>
    tags.filter((tag) => tag.name === 'example').map((tag, index) => {
      const text = `${ts.displayPartsToString(tag.text).trim()}\n`;
      const needs = /^\/\/ needs: (.*)$/m.exec(text)?.[1]?.split(', ').filter(isNeed) ?? [];
      return { name: index === 0 ? name : `${name} (${index + 1})`, text, needs };
    }),
  );
}

function isNeed(word: string): word is Need {
  return /^(?:cgroup2(?::\w+)?|kernel:\d+\.\d+)$/.test(word);
}

/** What an example says that it prints: `console.log(…); // this`, with `…` for anything. */
export function promises(text: string): string[] {
  return [...text.matchAll(/console\.log\(.*\);? *\}?\)?;? \/\/ (.+)$/gm)].map(([, promised = '']) => promised);
}

export async function runExample(t: ExecutionContext, lab: Lab, { name, text }: ApiExample): Promise<void> {
  t.timeout(60_000 * patience);
  const project = makeProject(lab.scratch);
  const program = compile(project, name.replaceAll(/\W/g, '-'), text.replaceAll('./rootfs', lab.image));
  await using running = new RunningProgram(program, [], { cwd: project });
  t.deepEqual(await running.ended, { code: 0, signal: null }, running.output);
  const lines = running.output.split(/\r?\n/);
  for (const promised of promises(text)) t.true(lines.some((line) => matches([promised], [line])), `${promised}\n${running.output}`);
  const containers = join(running.stateRoot, 'containers');
  if (existsSync(containers)) t.deepEqual(readdirSync(containers), [], 'it leaves no container');
}
