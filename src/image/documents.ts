/** The documents of an image, as image-spec 1.1 and Docker have them: the parts that tsrun reads. Unknown members are kept apart, not refused. */

export interface Platform {
  readonly os: string;
  /** Go's name: `amd64`, `arm64`. */
  readonly architecture: string;
  readonly variant?: string;
}

export interface Descriptor {
  readonly mediaType: string;
  /** `sha256:` and 64 lower-case hexadecimal digits. */
  readonly digest: string;
  readonly size: number;
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ImageManifest {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A list of manifests, one for each platform, or of further lists. */
export interface ImageIndex {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly manifests: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** How a program is asked whether it is well, as docker keeps it; times in nanoseconds, 0 and absent: docker's default. */
export interface Healthcheck {
  /** Empty: as the image below has it; `NONE`; `CMD` and a program with its arguments; `CMD-SHELL` and words for the shell. */
  readonly Test?: readonly string[];
  /** Between two questions. */
  readonly Interval?: number;
  /** For an answer. */
  readonly Timeout?: number;
  /** At the start, in which a failure does not count. */
  readonly StartPeriod?: number;
  /** Between two questions in that time. */
  readonly StartInterval?: number;
  /** Failures in a row that make it ill. */
  readonly Retries?: number;
}

/** What a container of the image is run with; members that are null or absent do not stand here. */
export interface RunConfig {
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  readonly Healthcheck?: Healthcheck;
}

export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

export interface ImageConfig extends Platform {
  readonly created?: string;
  readonly author?: string;
  readonly 'os.version'?: string;
  readonly 'os.features'?: readonly string[];
  readonly config?: RunConfig;
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly string[] };
  readonly history?: readonly HistoryEntry[];
}
