/** Examples in the documentation: found and run as a reader would who has installed the package. */
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { transformSync } from 'esbuild';

export const checkout = resolve(import.meta.dirname, '../../..');

export interface Block {
  readonly language: string;
  readonly text: string;
  /** Of its first line. */
  readonly line: number;
  /** The nearest heading above it. */
  readonly heading: string;
  /** What a comment right before it, `<!-- needs: … -->`, says that it needs. */
  readonly needs: readonly string[];
}

/** Fenced blocks of a document, by its path in the checkout. */
export function blocksOf(document: string): Block[] {
  const blocks: Block[] = [];
  let heading = '';
  let needs: string[] = [];
  let open: { language: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of readFileSync(join(checkout, document), 'utf8').split('\n').entries()) {
    const fence = /^```(\w*)$/.exec(line);
    if (open !== undefined && fence === null) open.lines.push(line);
    else if (open !== undefined) {
      blocks.push({ language: open.language, text: `${open.lines.join('\n')}\n`, line: open.line, heading, needs });
      [open, needs] = [undefined, []];
    } else if (fence !== null) open = { language: fence[1] ?? '', line: index + 2, lines: [] };
    else if (line.startsWith('#')) heading = line.replace(/^#+ */, '');
    else needs = /^<!-- needs: (.*) -->$/.exec(line)?.[1]?.split(', ') ?? needs;
  }
  return blocks;
}

/** Examples in comments: from the tag to the next one, or to the end of the comment. */
export function commented(source: string): string[] {
  return [...source.matchAll(/^( *) \* @example\n((?:\1 \*(?! @).*\n)+)/gm)].map(([, indent = '', text = '']) =>
    text.split('\n').map((line) => line.replace(new RegExp(`^${indent} \\*(?: |/?$)`), '')).join('\n'));
}

/** A project of its own that has the package installed. */
export function makeProject(parent = tmpdir()): string {
  const project = mkdtempSync(join(parent, 'tsrun-example-'));
  mkdirSync(join(project, 'node_modules'));
  symlinkSync(checkout, join(project, 'node_modules/tsrun'));
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }\n');
  return project;
}

/** Makes a program of an example whose types were checked (`type-check.ts`); gives its path. By esbuild: a guest needs half a minute to load the compiler. */
export function compile(project: string, name: string, text: string): string {
  const { code } = transformSync(text, { loader: 'ts', format: 'esm', target: 'node20' });
  const file = join(project, `${name}.mjs`);
  writeFileSync(file, code);
  return file;
}
