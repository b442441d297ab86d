/** What a formation begins with: a new one, or one that another process has left. */
import type { Runtime } from '../container/runtime.js';
import { randomNumber } from '../container/state/random.js';
import { ChecksumError } from '../image/checksum.js';
import { TsrunError } from '../spec/errors.js';
import { show } from '../spec/quote.js';
import type { Clock } from './clock.js';
import { checkConfigVars } from './config-vars.js';
import { formationDefaults, imageOptions, validateFormationOptions, type AdoptOptions, type FormationOptions } from './formation-options.js';
import { checksumLine } from './life-lines.js';
import { checkProfile } from './profile.js';
import { ProgramSource, type PinnedImage } from './program.js';
import type { SavedPlace } from './survival/places.js';
import type { Survival } from './survival/survival.js';

export interface Founded {
  readonly runtime: Runtime;
  readonly name: string;
  readonly image: string;
  readonly source: ProgramSource;
  readonly options: FormationOptions;
  readonly survival?: Survival;
  /** How often it was redeployed. */
  readonly release: number;
  /** By the formation's clock. */
  readonly releasedAtMs: number;
}

/** What there was: dynos, and how many there shall be. */
export interface Inheritance extends Founded {
  readonly dynos: readonly SavedPlace[];
  readonly quantities: Readonly<Record<string, number>>;
  /** Its process was killed while it stopped it. */
  readonly isEnding: boolean;
}

/** @throws as `Formation.start` */
export async function found(runtime: Runtime, image: string, options: FormationOptions): Promise<Founded> {
  validateFormationOptions(options);
  checkConfigVars(options.env);
  const { name = `app-${randomNumber(10_000, 100_000)}` } = options;
  const source = await openSource(runtime, image, options);
  const clock = clockOf(options);
  const releasedAtMs = clock.now();
  if (options.survive !== true) return { runtime, name, image, source, options, release: 0, releasedAtMs };
  const { Survival } = await import('./survival/survival.js');
  const { image: pinned, stack } = source.pinned;
  const kept = { ...options, container: { ...options.container, ...(stack !== undefined && { stack }) } };
  return { runtime, name, image: pinned, source, options: kept, survival: Survival.make(runtime, name, { image: pinned, imageName: image, options: kept, releasedAtMs }, clock), release: 0, releasedAtMs };
}

function clockOf({ clock = formationDefaults.clock }: Pick<FormationOptions, 'clock'>): Clock {
  return clock;
}

/** @throws as `Formation.adopt` */
export async function inherit(runtime: Runtime, name: string, changes: AdoptOptions): Promise<Inheritance> {
  validateFormationOptions({ ...changes, name });
  checkConfigVars(changes.env);
  const { Survival } = await import('./survival/survival.js');
  const survival = Survival.take(runtime, name, clockOf(changes));
  try {
    const { image, quantities, options: before, phase, release = 0, releasedAtMs: saved } = survival.definition;
    const options = { ...before, ...changes, container: { ...before.container, ...changes.container } };
    const releasedAtMs = saved ?? clockOf(options).now();
    return { runtime, name, image, source: await openSource(runtime, image, options), options, survival, release, releasedAtMs, quantities, dynos: survival.dynos(), isEnding: phase === 'ending' };
  } catch (error) {
    survival.leave();
    throw error;
  }
}

/** It was being stopped when its process was killed. */
export function endedMeanwhile(name: string): TsrunError {
  return new TsrunError('ERR_TSRUN_NOT_FOUND', `the formation ${show(name)} was being stopped when its process was killed, and has ended now`, { hint: 'start it anew' });
}

/** The same from another image, or on another stack, each found again by its digest. @throws as `Formation.start` */
export async function renew(before: Founded, { image, stack }: Readonly<Partial<PinnedImage>>): Promise<Founded> {
  const { runtime, options } = before;
  const { checksum, ...kept } = options.container ?? {};
  const container = { ...kept, ...(image === undefined && checksum !== undefined && { checksum }), ...(stack !== undefined && { stack }) };
  const source = await openSource(runtime, image ?? before.image, { ...options, container });
  const { pinned } = source;
  return { ...before, release: before.release + 1, releasedAtMs: clockOf(options).now(), image: pinned.image, source, options: { ...options, container: { ...container, ...(pinned.stack !== undefined && { stack: pinned.stack }) } } };
}

async function openSource(runtime: Runtime, image: string, options: FormationOptions): Promise<ProgramSource> {
  checkProfile(options);
  const { processTypes = {}, container, profile } = options;
  const lines = Object.entries(processTypes).flatMap(([type, { command }]) => (command === undefined ? [] : [[type, command] as const]));
  try {
    return await ProgramSource.open(runtime, image, new Map(lines), { ...imageOptions(container), ...(profile !== undefined && { profile }) });
  } catch (cause) {
    // There is no dyno yet whose log could say it.
    throw cause instanceof ChecksumError ? new TsrunError(cause.code, checksumLine(cause), { hint: cause.message, cause }) : cause;
  }
}
