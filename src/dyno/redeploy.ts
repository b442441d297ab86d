/** Redeploying: what may be changed under the dynos of a formation, and how it is done. */
import { nonEmpty } from '../spec/schema-common.js';
import { assertShape, boolean, integer, optional, strictObject, type Shape } from '../spec/shape.js';
import type { Blueprint } from './blueprint.js';
import type { Crew } from './crew.js';
import { renew } from './founding.js';
import type { OneOffs } from './one-off/one-offs.js';
import type { RestartOptions } from './serving/options.js';

/** What `Formation.redeploy` changes. Unknown names are refused. */
export interface RedeployOptions extends Pick<RestartOptions, 'preboot'> {
  /** As `Formation.start` takes it. Default: the same. */
  readonly image?: string;
  /** That a slug runs on. Default: the same. */
  readonly stack?: string;
  /** How long each new dyno must stay up before the next one is replaced, in milliseconds; one that ends within that is a failure. Default 2000. */
  readonly steadyMs?: number;
}

export const redeployShape: Shape<RedeployOptions> = strictObject<RedeployOptions>({ image: optional(nonEmpty), stack: optional(nonEmpty), preboot: optional(boolean), steadyMs: optional(integer(0, 2 ** 31 - 1)) });

const defaultSteadyMs = 2000;

export interface Redeployment {
  readonly blueprint: Blueprint;
  readonly crew: Crew;
  readonly oneOffs: OneOffs;
}

/** Until all dynos are new; where that fails all is as it was. @throws as `Formation.redeploy` */
export async function redeploy({ blueprint, crew, oneOffs }: Redeployment, options: RedeployOptions): Promise<void> {
  assertShape(redeployShape, options, 'ERR_TSRUN_INVALID_ARGUMENT', 'option');
  const { steadyMs = defaultSteadyMs, preboot, ...changes } = options;
  const before = blueprint.founded;
  const back = () => {
    blueprint.founded = before;
  };
  blueprint.founded = await renew(before, changes);
  try {
    await blueprint.wanted(Object.fromEntries(crew.all.map(({ type }) => [type, 1])));
    if (changes.image !== undefined) await oneOffs.release(blueprint.founded);
    await crew.renew({ steadyMs, ...(preboot !== undefined && { preboot }) }, back);
  } catch (error) {
    back();
    throw error;
  }
  const { image, release, releasedAtMs, survival, options: { container } } = blueprint.founded;
  survival?.redefine({ release, releasedAtMs, image }, changes.image, container?.stack);
}
