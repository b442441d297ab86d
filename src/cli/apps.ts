/** Apps in the background: which one a command is about, and how it comes to the process that owns it. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FormationClient, listFormations, nearest, TsrunError, type FormationSummary } from '../index.js';
import type { CommandFlags } from './invocation.js';
import { quote } from './output.js';

/** Another command may just be starting the agent. */
const attempts = 20;
const betweenMs = 100;

/** @throws TsrunError `ERR_TSRUN_NOT_FOUND`; `ERR_TSRUN_INVALID_ARGUMENT` where there are several, and none is named */
export function chosenApp({ appName }: CommandFlags): FormationSummary {
  const apps = listFormations();
  const names = apps.map(({ name }) => name);
  const app = appName === undefined ? apps[0] : apps.find(({ name }) => name === appName);
  if (app !== undefined && (appName !== undefined || apps.length === 1)) return app;
  if (appName !== undefined) {
    const near = nearest(appName, names);
    throw new TsrunError('ERR_TSRUN_NOT_FOUND', `there is no app ${quote(appName)} in the background`, { hint: near === undefined ? 'tsrun up --detach starts one' : `did you mean ${quote(near)}?` });
  }
  if (apps.length === 0) throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'no container given, and no app runs in the background', { hint: 'tsrun ps lists containers; tsrun up --detach starts an app' });
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `${apps.length} apps run in the background`, { hint: `say which one with --app: ${names.slice(0, 10).join(', ')}` });
}

/** The agent of an app; where it is dead, a new one takes its dynos over first. */
export async function reachApp(app: FormationSummary): Promise<FormationClient> {
  const client = new FormationClient(app.name);
  let failure: unknown = await unanswered(client);
  if (failure === undefined) return client;
  failure = await startAgent(app).catch((error: unknown) => error);
  for (let attempt = 0; attempt < attempts; attempt++) {
    if ((await unanswered(client)) === undefined) return client;
    await delay(betweenMs);
  }
  throw failure;
}

async function unanswered(client: FormationClient): Promise<TsrunError | undefined> {
  try {
    await client.dynos();
    return undefined;
  } catch (error) {
    if (TsrunError.is(error) && error.code === 'ERR_TSRUN_STATE') return error;
    throw error;
  }
}

/** Resolves when it has taken the dynos over. It lives on, with nothing of this process but what it says of its failure. */
export async function startAgent({ name, folder, workingFolder, imageRoot }: FormationSummary): Promise<void> {
  const told = openSync(join(folder, 'agent.log'), 'w+', 0o600);
  try {
    const words = [...process.execArgv, '--', process.argv[1] ?? '', 'agent', '--app', name, '--root-dir', imageRoot];
    const agent = spawn(process.execPath, words, { cwd: existsSync(workingFolder) ? workingFolder : '/', detached: true, stdio: ['ignore', 'pipe', told] });
    const exit = once(agent, 'exit').then(() => true);
    const hasEnded = await Promise.race([once(agent.stdout ?? agent, 'data').then(() => false), exit]);
    agent.stdout?.destroy();
    agent.unref();
    if (!hasEnded) return;
    const [, message = 'it ended at once', , hint] = /^tsrun: (.*)(\nhint: (.*))?/m.exec(textOf(told)) ?? [];
    throw new TsrunError('ERR_TSRUN_STATE', `no agent could be started for the app ${quote(name)}: ${message}`, { hint });
  } finally {
    closeSync(told);
  }
}

/** Also where its folder is gone with the app. The agent has written at the same offset. */
function textOf(fd: number): string {
  const bytes = Buffer.alloc(fstatSync(fd).size);
  return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0));
}
