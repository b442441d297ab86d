/** What the public API says of mounts for looking inside. */

/** How something is mounted. */
export interface HostMountOptions {
  /** A folder of the host, which must exist. Default: one that is made in the state root, and removed with the mount. */
  readonly target?: string;
  /**
   * Whether links in it are followed, also those that lead out of it to the host's files. Without, who goes through one gets ELOOP
   * (mount(8), nosymfollow). Default true.
   */
  readonly followLinks?: boolean;
  /** Gives up while the image is unpacked: `ERR_TSRUN_ABORTED`. */
  readonly signal?: AbortSignal;
}

/** A mount that stands. */
export interface HostMountSummary {
  /** Unique in its state root. */
  readonly id: string;
  /** Of what. */
  readonly kind: 'image' | 'container';
  /** As it was asked for. */
  readonly name: string;
  /** Of an image of the store: its manifest's. */
  readonly digest?: string;
  /** Where it is mounted. */
  readonly path: string;
  /** When, in milliseconds since 1970. */
  readonly createdAtMs: number;
}

/** A mount of this process; with `await using` it is let go of when its block is left. */
export interface HostMount extends HostMountSummary {
  /**
   * Lets go of it; once is enough. `force`: also while somebody uses it.
   *
   * @throws TsrunError `ERR_TSRUN_STATE` while somebody uses it
   */
  unmount(options?: UnmountOptions): Promise<void>;
  /** As `unmount` with `force`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** How a mount is let go of. */
export interface UnmountOptions {
  /** Also while somebody uses it: nobody new comes to it, and it goes with the last that does. Default false. */
  readonly force?: boolean;
}
