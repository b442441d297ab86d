/** What each command does. A handler is loaded only when its command is run, so that none pays for the others. */
import type { CommandModule, CommandName } from './invocation.js';

export const handlers: Readonly<Record<CommandName, () => Promise<CommandModule>>> = {
  run: () => import('./run.js'),
  ps: () => import('./ps.js'),
  exec: () => import('./exec.js'),
  attach: () => import('./attach.js'),
  logs: () => import('./logs.js'),
  stop: () => import('./stop.js'),
  kill: () => import('./kill.js'),
  rm: () => import('./rm.js'),
  pause: () => import('./pause.js'),
  unpause: () => import('./unpause.js'),
  wait: () => import('./wait.js'),
  stats: () => import('./stats.js'),
  inspect: () => import('./inspect.js'),
  update: () => import('./update.js'),
  gc: () => import('./gc.js'),
  explain: () => import('./explain.js'),
  doctor: () => import('./doctor.js'),
  completion: () => import('./completion.js'),
};
