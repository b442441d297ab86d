/**
 * The commands as `tsrun` runs them, but in this process: parsed, loaded and run, without a Node of its own for each, which
 * on an emulated processor takes seconds.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { readBeginning } from '../../src/cli/bounded-file.js';
import { findCommand } from '../../src/cli/commands.js';
import { handlers } from '../../src/cli/handlers.js';
import { describeFailure, exitCodeOf } from '../../src/cli/failure.js';
import { parseCommandLine } from '../../src/cli/parse.js';
import { CliLab, type Said } from './cli-lab.js';

/** What a command has written so far. */
export interface Heard {
  stdout: string;
  stderr: string;
}

export class CommandLab extends CliLab {
  /** Like `tsrun`; `heard` can be looked at while it runs. */
  async call(words: readonly string[], heard: Heard = { stdout: '', stderr: '' }): Promise<Said> {
    // Where the commands look for state and images; one file of tests has a process of its own.
    process.env['TSRUN_ROOT'] = this.stateRoot;
    process.env['TSRUN_IMAGES'] = this.imageRoot;
    const code = await perform(words, heard);
    return { code, signal: null, stdout: heard.stdout, stderr: heard.stderr.replace(/^tsrun: warning: .*\n/gm, '') };
  }

  /** A container in the background; it waits unless a script is given. */
  async background(flags: readonly string[] = [], script = 'sleep 1000'): Promise<string> {
    const id = this.newId();
    const { code, stderr } = await this.call(['run', '-d', '--name', id, ...flags, this.image, 'sh', '-c', script]);
    if (code !== 0) throw new Error(stderr);
    return id;
  }

  /** One that has ended and is kept. */
  async ended(script: string): Promise<string> {
    const id = await this.background([], script);
    await this.call(['wait', id]);
    return id;
  }

  /** Takes away all images and what is remembered of them, with the folders of the store. */
  emptyStore(): void {
    for (const entry of readdirSync(this.imageRoot)) rmSync(join(this.imageRoot, entry), { recursive: true });
  }

  /** Ends and forgets, whatever became of them. */
  async forget(...ids: readonly string[]): Promise<void> {
    await this.call(['rm', '-f', ...ids]);
  }

  /** Columns of a table by the name in its first one. */
  async table(words: readonly string[]): Promise<Map<string, string[]>> {
    const { stdout } = await this.call(words);
    return new Map(stdout.trimEnd().split('\n').map((line) => line.split(/ {2,}/)).map((cells) => [cells[0] ?? '', cells]));
  }
}

async function perform([name = '', ...words]: readonly string[], heard: Heard): Promise<number> {
  const command = findCommand(name);
  if (command === undefined) throw new Error(`no command ${name}`);
  try {
    const parsed = parseCommandLine(command, words, { env: {}, readBeginning, now: Date.now });
    if (parsed.kind === 'help') throw new Error('help was asked for');
    const { run } = await handlers[command.name]();
    const streams = { stdin: new PassThrough(), stdout: collect(heard, 'stdout'), stderr: collect(heard, 'stderr') };
    return await run({ ...parsed.first, ...(parsed.second !== undefined && { second: parsed.second }), command: command.name, env: {}, ...streams });
  } catch (error) {
    heard.stderr += describeFailure(error, (_style, text) => text);
    return exitCodeOf(error, command);
  }
}

function collect(heard: Heard, name: keyof Heard): PassThrough {
  return new PassThrough().setEncoding('utf8').on('data', (text: string) => {
    heard[name] += text;
  });
}

/** What is the same in a refusal: its code, nothing on standard output, and what it says. */
export function refusal({ code, stdout, stderr }: Said): readonly [code: number | null, stdout: string, message: string] {
  return [code, stdout, stderr.split('\n')[0] ?? ''];
}
