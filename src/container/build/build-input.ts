/** What a spec is built from, and what comes of it. */

import type { HostFacts } from '../../host/facts.js';
import type { IdRange } from '../../host/id-ranges.js';
import type { ResolvedImage } from '../../image/resolved-image.js';
import type { ResolvedUser } from '../../image/users.js';
import type { DiskUpper, Extensions } from '../../spec/extensions.js';
import type { Spec } from '../../spec/types.js';
import type { RunOptions } from '../options/options.js';
import type { ImageVolume } from './image-volumes.js';
import type { ResolvedDevice } from './resolve-devices.js';

export interface BuildInput {
  /** As `validateRunOptions` gives them. */
  readonly options: RunOptions;
  readonly image: ResolvedImage;
  readonly host: HostFacts;
  readonly id: string;
  /** For a new user namespace whose maps no bundle gives; an ordinary user may do without. */
  readonly idRange?: IdRange | undefined;
  /** Where groups have another range than users. */
  readonly gidRange?: IdRange | undefined;
  /** Of an ordinary user: how many ids its launcher's user namespace has besides root's. */
  readonly subordinate?: { readonly uids: number; readonly gids: number } | undefined;
  /** What `resolveUser` gives for `userToResolve(options, image)` and `options.groups`. */
  readonly user: ResolvedUser;
  /** Highest hard limit for open files that the caller may give. */
  readonly maxNofile: number;
  /** What `resolveDevices` gives; to be left out when no device is asked for. */
  readonly devices?: readonly ResolvedDevice[] | undefined;
  /** What `readVolumes` gives. */
  readonly volumes?: readonly ImageVolume[] | undefined;
  /** The host's /etc/resolv.conf, for a container that shares or joins a network. */
  readonly resolvConf?: string | undefined;
  /** The host's /proc/cpuinfo, for a container that is shown fewer processors. */
  readonly cpuinfo?: string | undefined;
  /** The folder on disk that takes writes to a disposable root. */
  readonly upper?: DiskUpper | undefined;
  /** Runs where neither the options nor the image name a program; absent: that is an error. */
  readonly standIn?: string | undefined;
  /** What relative sources of mounts are relative to; default the working directory of this process. */
  readonly hostCwd?: string | undefined;
}

export interface BuiltSpec {
  readonly spec: Spec;
  readonly extensions: Extensions;
  /** Number of the signal that `stop` sends first. */
  readonly stopSignal: number;
  /** -1 = wait for ever. */
  readonly stopTimeoutMs: number;
}
