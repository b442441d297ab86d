/** Programs of the distribution, which know more of networks than we want to. */
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { TsrunError } from '../spec/errors.js';
import { printable } from '../spec/quote.js';

/** By the Debian package that has each. */
const packages = { ip: 'iproute2', nft: 'nftables', nsenter: 'util-linux', flock: 'util-linux', setsid: 'util-linux', pasta: 'passt', slirp4netns: 'slirp4netns', sh: 'dash' } as const;

export type Program = keyof typeof packages;

/** A program ran, and said why it could not. */
export class ProgramFailure extends TsrunError {
  /** The first kilobytes of its standard error. */
  readonly said: string;

  constructor(program: Program, said: string, end: string) {
    super('ERR_TSRUN_HOST', `${program}: ${said === '' ? end : printable(said, 500)}`, { hint: 'the network of the container could not be set up: docs/networks.md says what it needs' });
    this.said = said;
  }
}

const mostSaidBytes = 4096;

/** The system's own come first: npm, which puts its programs before all others, has an `nft` that is no firewall and succeeds. */
function environment(): { readonly PATH: string; readonly LC_ALL: string } {
  return { PATH: `/usr/sbin:/usr/bin:/sbin:/bin:${process.env['PATH'] ?? ''}`, LC_ALL: 'C' };
}

/** Of those that another program starts, which would say it in words of its own. */
export function isInstalled(program: Program): boolean {
  return environment().PATH.split(':').some((folder) => folder !== '' && isExecutable(join(folder, program)));
}

/** @throws TsrunError `ERR_TSRUN_HOST` */
export function requirePrograms(...programs: readonly Program[]): void {
  for (const program of programs) if (!isInstalled(program)) throw notThere(program);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Runs a program to its end, with `input` at its standard input, and descriptors that it is given from 3 on.
 *
 * @throws TsrunError `ERR_TSRUN_HOST`: it is not installed; ProgramFailure: it failed
 */
export async function runProgram(program: Program, words: readonly string[], input = '', descriptors: readonly number[] = []): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const child = spawn(program, words, { stdio: ['pipe', 'ignore', 'pipe', ...descriptors], env: environment() });
    const { stdin, stderr } = child;
    let said = '';
    stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (said.length < mostSaidBytes) said += text;
    });
    child.on('error', (cause) => { reject(notThere(program, cause)); });
    // What it leaves in the background may hold its standard error open.
    child.on('exit', (code) => {
      if (code !== 0) return;
      stderr?.destroy();
      resolve();
    });
    child.on('close', (code, signal) => {
      if (code !== 0) reject(new ProgramFailure(program, said.trim(), signal ?? `exit code ${code ?? 'unknown'}`));
    });
    // It need not read all that there is.
    stdin?.on('error', () => undefined).end(input);
  });
}

function notThere(program: Program, cause?: Error): TsrunError {
  return new TsrunError('ERR_TSRUN_HOST', `the program ${program} is not to be had`, { hint: `install it: apt-get install ${packages[program]}`, ...(cause !== undefined && { cause }) });
}
