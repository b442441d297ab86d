// Runs one program of a stage in the checkout.
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

export const checkout = resolve(import.meta.dirname, '../..');

const lastLines = 60;

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
