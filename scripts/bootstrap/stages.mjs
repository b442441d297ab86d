// One calm line a stage, with its time; what a program printed is shown only when it failed.
import { spawn } from 'node:child_process';
import { checkout } from './build.mjs';

const lastLines = 60;
const labelWidth = 18;

export class Stages {
  #start = Date.now();

  /** Gives whether the checkout may go on to the next stage. */
  async run(label, needed, work) {
    const start = Date.now();
    const head = `  ${label.padEnd(labelWidth)}`;
    if (!needed) return say(`${head}up to date\n`);
    if (process.stdout.isTTY) process.stdout.write(`${head}…`);
    try {
      await work();
      return say(`${clear()}${head}${secondsSince(start)}\n`);
    } catch (error) {
      say(`${clear()}${head}failed after ${secondsSince(start)}\n`);
      process.stderr.write(`\n${error.message}\n`);
      return false;
    }
  }

  done() {
    say(`  ${'ready'.padEnd(labelWidth)}${secondsSince(this.#start)}\n\n`);
  }
}

/** Resolves when the program ends well; rejects with the last of what it printed. */
export function run(command, args, env = {}) {
  const child = spawn(command, args, { cwd: checkout, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk) => { printed += chunk; });
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new Error(`${command}: ${error.message}`)));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(printed);
      else reject(new Error(`${[command, ...args].join(' ')}: ${signal ?? `exit ${code}`}\n${lastOf(printed)}`));
    });
  });
}

function lastOf(text) {
  return text.trimEnd().split('\n').slice(-lastLines).join('\n');
}

function clear() {
  return process.stdout.isTTY ? '\r\x1b[K' : '';
}

function secondsSince(start) {
  return `${((Date.now() - start) / 1000).toFixed(1)} s`;
}

function say(text) {
  process.stdout.write(text);
  return true;
}
