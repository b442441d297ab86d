/** The documents of an image, as image-spec 1.1 and Docker have them: the parts that tsrun reads. Unknown members are kept apart, not refused. */

/** What an image's programs run on. */
export interface Platform {
  /** `linux`. */
  readonly os: string;
  /** Go's name: `amd64`, `arm64`. */
  readonly architecture: string;
  /** Of the processor: `v8`. */
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
  /** `user`, `uid`, `user:group` …; names are those of the image's own files. */
  readonly User?: string;
  /** Keys alone count: `80/tcp`. */
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  /** `NAME=VALUE` each. */
  readonly Env?: readonly string[];
  /** Program and first arguments. */
  readonly Entrypoint?: readonly string[];
  /** What follows the entrypoint, or the program where there is none. */
  readonly Cmd?: readonly string[];
  /** Keys alone count: absolute paths. */
  readonly Volumes?: Readonly<Record<string, object>>;
  /** Where the program starts. */
  readonly WorkingDir?: string;
  /** What whoever built it said of it. */
  readonly Labels?: Readonly<Record<string, string>>;
  /** What ends the program: `SIGTERM`, `15`. */
  readonly StopSignal?: string;
  /** How the program is asked whether it is well. */
  readonly Healthcheck?: Healthcheck;
}

/** One step of how an image was made. */
export interface HistoryEntry {
  /** In RFC 3339. */
  readonly created?: string;
  /** The command that did it. */
  readonly created_by?: string;
  /** Who did it. */
  readonly author?: string;
  /** Why. */
  readonly comment?: string;
  /** It made no layer. */
  readonly empty_layer?: boolean;
}

/** What an image says of itself (image-spec, config.md). */
export interface ImageConfig extends Platform {
  /** In RFC 3339. */
  readonly created?: string;
  /** Who answers for it. */
  readonly author?: string;
  /** Of the operating system that it was built for. */
  readonly 'os.version'?: string;
  /** That the operating system must have. */
  readonly 'os.features'?: readonly string[];
  /** What a container of it is run with. */
  readonly config?: RunConfig;
  /** Digests of its layers, uncompressed, the lowest first. */
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly string[] };
  /** How it was made, the first step first. */
  readonly history?: readonly HistoryEntry[];
}
