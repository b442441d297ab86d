/** `tsrun up` */
import { once } from 'node:events';
import { appOptions, Formation, logLineJson, Runtime, TsrunError, type DynoEvent, type FormationOptions, type OneOff, type ProcessTypeOptions } from '../index.js';
import { chosenApp, startAgent } from './apps.js';
import { runtimeOptions } from './containers.js';
import { DynoLines } from './dyno-lines.js';
import { showFetching } from './fetching.js';
import type { Invocation } from './invocation.js';
import { painter, wantsColour } from './output.js';
import { oncePerText, tell } from './tell.js';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export async function run(invocation: Invocation): Promise<number> {
  const { detach = false, metrics } = invocation.flags;
  if (detach && metrics !== undefined && 'port' in metrics && metrics.port === 0) throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'nobody would know the port of --metrics', { hint: 'choose one' });
  const runtime = await Runtime.open(runtimeOptions(invocation.flags));
  let name: string;
  try {
    const formation = await showFetching(invocation, async (onImageProgress) => {
      const { container, ...options } = await formationOptions(invocation);
      return Formation.prepare(runtime, invocation.positionals[0] ?? '', { ...options, container: { ...container, onImageProgress } });
    });
    if (!detach) return await stay(formation, runtime, invocation);
    await deployAlone(formation, invocation);
    await formation.leave();
    name = formation.name;
  } finally {
    await runtime.close();
  }
  // Containers are free for another owner when this one's runtime is closed.
  await startAgent(chosenApp({ appName: name }));
  invocation.stdout.write(`${name}\n`);
  return 0;
}

async function formationOptions(invocation: Invocation): Promise<FormationOptions> {
  const { flags, options } = invocation;
  const { env, ...container } = options;
  const warn = warner(invocation);
  const { procfile, appManifest } = flags;
  for (const warning of [...(procfile?.warnings ?? []), ...(appManifest?.warnings ?? [])]) warn(warning);
  const given: FormationOptions = {
    ...(flags.publish !== undefined && { publish: flags.publish }),
    ...(flags.appName !== undefined && { name: flags.appName }),
    ...(flags.quantities !== undefined && { quantities: flags.quantities }),
    ...(flags.detach === true && { survive: true }),
    ...(flags.port !== undefined && { port: flags.port }),
    ...(flags.restart !== undefined && { restart: flags.restart }),
    ...(flags.drains !== undefined && { drains: flags.drains }),
    ...(env !== undefined && { env }),
    ...(flags.sizes?.size !== undefined && { size: flags.sizes.size }),
    ...(flags.profile !== undefined && { profile: flags.profile }),
    ...(flags.runtimeMetrics !== undefined && { metrics: flags.runtimeMetrics }),
    ...(flags.delivery?.all !== undefined && { delivery: flags.delivery.all }),
    ...(flags.stopSignals?.all !== undefined && { stopSignal: flags.stopSignals.all }),
    ...(flags.graceMs?.all !== undefined && { graceMs: flags.graceMs.all }),
    ...(flags.platformEnv !== undefined && { platformEnv: flags.platformEnv }),
    ...(flags.logLines !== undefined && { logLines: flags.logLines }),
    ...(flags.dynoMetadata !== undefined && { metadata: flags.dynoMetadata }),
    ...(flags.metrics !== undefined && { serveMetrics: flags.metrics }),
    processTypes: processTypes(invocation),
    container: { ...container, onWarning: oncePerText(warn) },
  };
  return appManifest === undefined ? given : appOptions(appManifest, given);
}

function processTypes({ flags: { procfile, sizes, delivery, stopSignals, graceMs, bootTimeoutMs, preboot, idleMs } }: Invocation): Record<string, ProcessTypeOptions> {
  const types = new Map<string, ProcessTypeOptions>();
  const say = <T>(values: Iterable<readonly [string, T]>, options: (value: T) => ProcessTypeOptions) => {
    for (const [type, value] of values) types.set(type, { ...types.get(type), ...options(value) });
  };
  say(procfile?.processTypes ?? [], (command) => ({ command }));
  say(Object.entries(sizes?.types ?? {}), (size) => ({ size }));
  say(Object.entries(delivery?.types ?? {}), (value) => ({ delivery: value }));
  say(Object.entries(stopSignals?.types ?? {}), (stopSignal) => ({ stopSignal }));
  say(Object.entries(graceMs?.types ?? {}), (value) => ({ graceMs: value }));
  const serving = { ...(preboot !== undefined && { preboot }), ...(idleMs !== undefined && { idle: { afterMs: idleMs } }), ...(bootTimeoutMs !== undefined && { bootTimeoutMs }) };
  if (Object.keys(serving).length > 0) say([['web', serving]], (web) => web);
  return Object.fromEntries(types);
}

function warner({ stderr, env }: Invocation): (warning: string) => void {
  return (warning) => {
    tell(stderr, `${painter(stderr, env)('yellow', 'tsrun: warning:')} ${warning}\n`);
  };
}

/** Until all dynos have ended for good, or somebody asks for the end: once in order, twice at once. */
async function stay(formation: Formation, runtime: Runtime, invocation: Invocation): Promise<number> {
  let isAsked = false;
  const ask = () => {
    const end = isAsked ? runtime.close() : formation.stop();
    isAsked = true;
    // What fails here shows where it is waited for.
    end.catch(() => undefined);
  };
  for (const signal of signals) process.on(signal, ask);
  const ended = endOf(formation, warner(invocation));
  // Who asks for the end has no use for the news that the release did not get there.
  const deployed = deploy(formation, invocation).catch(async (error: unknown) => {
    await formation.stop();
    if (!isAsked) throw error;
  });
  deployed.catch(() => undefined);
  try {
    await print(formation, invocation);
    await deployed;
    return await ended;
  } finally {
    for (const signal of signals) process.removeListener(signal, ask);
  }
}

/** The script that an app wants run when it is there: how it does is seen in the log. */
async function deploy(formation: Formation, { flags }: Invocation): Promise<OneOff | undefined> {
  await formation.deploy();
  const line = flags.appManifest?.scripts['postdeploy'];
  return line === undefined || line === '' ? undefined : formation.run(line);
}

/** With nobody to look on: what is run once has ended before this process does, and a failure leaves nothing. */
async function deployAlone(formation: Formation, invocation: Invocation): Promise<void> {
  try {
    await (await deploy(formation, invocation))?.exited;
  } catch (error) {
    await formation.stop();
    throw error;
  }
}

async function print(formation: Formation, { flags, stdout, env }: Invocation): Promise<void> {
  const lines = new DynoLines(painter(stdout, env), wantsColour(stdout, env));
  for await (const line of formation.logs()) {
    const ready = stdout.write(flags.json === true ? `${logLineJson(line)}\n` : lines.render(line));
    if (!ready) await once(stdout, 'drain');
  }
}

/** 1 if any dyno has crashed and does not come back. */
async function endOf(formation: Formation, warn: (warning: string) => void): Promise<number> {
  for await (const event of formation.events()) {
    if (event.type === 'drain') warn(drainNews(event));
    const isOver = event.type === 'state' && formation.dynos.length > 0 && formation.dynos.every(({ state, nextRestartAtMs }) => state === 'complete' || (state === 'crashed' && nextRestartAtMs === undefined));
    if (!isOver) continue;
    const code = formation.dynos.some(({ state }) => state === 'crashed') ? 1 : 0;
    await formation.stop();
    return code;
  }
  return 0;
}

function drainNews({ drain, state, lost, error }: Extract<DynoEvent, { readonly type: 'drain' }>): string {
  if (state !== 'failing') return `${drain}: it takes lines again`;
  return `${error?.message ?? drain}; ${lost === 0 ? 'trying again' : `${lost} lines are lost`}`;
}
