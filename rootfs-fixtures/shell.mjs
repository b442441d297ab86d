// Runs a host tool: quiet when it succeeds, its last words in the error when it does not.
import { spawnSync } from 'node:child_process';

const lastLines = 20;

export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28, ...options });
  if (result.error) throw new Error(`${command}: ${result.error.message}`);
  if (result.status === 0) return result.stdout;
  const words = `${result.stdout ?? ''}${result.stderr ?? ''}`.trimEnd().split('\n').slice(-lastLines).join('\n');
  throw new Error(`${[command, ...args].join(' ')}: ${result.signal ?? `exit ${result.status}`}\n${words}`);
}

/** For a tool that only works as part of a pipe. */
export function runShell(script, ...args) {
  return run('bash', ['-euo', 'pipefail', '-c', script, 'bash', ...args]);
}
