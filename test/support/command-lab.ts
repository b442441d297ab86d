/** What the tests of the commands that act on containers do again and again. */
import { CliLab, type Said } from './cli-lab.js';

export class CommandLab extends CliLab {
  /** A container in the background; it waits unless a script is given. */
  async background(flags: readonly string[] = [], script = 'sleep 1000'): Promise<string> {
    const id = this.newId();
    const { code, stderr } = await this.run(['-d', '--name', id, ...flags], script);
    if (code !== 0) throw new Error(stderr);
    return id;
  }

  /** One that has ended and is kept. */
  async ended(script: string): Promise<string> {
    const id = this.newId();
    await this.run(['--name', id], script);
    return id;
  }

  /** Ends and forgets, whatever became of them. */
  async forget(...ids: readonly string[]): Promise<void> {
    await this.tsrun(['rm', '-f', ...ids]);
  }

  /** Columns of a table by the name in its first one. */
  async table(words: readonly string[]): Promise<Map<string, string[]>> {
    const { stdout } = await this.tsrun(words);
    return new Map(stdout.trimEnd().split('\n').map((line) => line.split(/ {2,}/)).map((cells) => [cells[0] ?? '', cells]));
  }
}

/** What is the same in a refusal: its code, and nothing on standard output. */
export function refusal({ code, stdout, stderr }: Said): readonly [code: number | null, stdout: string, message: string] {
  return [code, stdout, stderr.split('\n')[0] ?? ''];
}
