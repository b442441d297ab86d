// A program with a time limit, in a process group of its own: nothing that it starts outlives the limit or an interrupted run.
import { spawn } from 'node:child_process';
import { checkout } from './files.mjs';

const patienceMs = 5000;
const groups = new Set();

/** Resolves to { status, timedOut, output, errors }. `status` is a number or the name of the signal. */
export function runLimited(command, args, { limitSeconds, env = {} }) {
  const child = spawn(command, args, { cwd: checkout, detached: true, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  groups.add(child);
  const output = collect(child.stdout);
  const errors = collect(child.stderr);
  let timedOut = false;
  const timers = [setTimeout(() => {
    timedOut = true;
    signalGroup(child, 'SIGTERM');
    timers.push(setTimeout(() => signalGroup(child, 'SIGKILL'), patienceMs));
  }, limitSeconds * 1000)];
  return new Promise((resolve) => {
    const finish = (status) => {
      timers.forEach(clearTimeout);
      groups.delete(child);
      resolve({ status, timedOut, output: output(), errors: errors() });
    };
    child.on('error', (error) => finish(error.message));
    child.on('close', (code, signal) => finish(code ?? signal));
  });
}

/** For a run that is interrupted: ctrl-c reaches the terminal's own process group only. */
export async function endAll() {
  for (const child of groups) signalGroup(child, 'SIGTERM');
  const end = Date.now() + patienceMs;
  while (groups.size > 0 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 50));
  for (const child of groups) signalGroup(child, 'SIGKILL');
}

function signalGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Gone already.
  }
}

function collect(stream) {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk) => { text += chunk; });
  return () => text;
}
