/** What the store asks of whoever unpacks: a confined program (`container/archiver/`), which this folder cannot know. */
export interface UnpackLimits {
  /** Of all files of the layer together. */
  readonly bytes: number;
  readonly entries: number;
  /** Unpacked bytes for each byte of the blob, counted from 10 MB on. */
  readonly ratio: number;
}

export interface UnpackRequest {
  /** The blob: a descriptor that is read from its current position, or pieces, each valid until the next is asked for. gzip, zstd, xz, bzip2 and plain are told by their first bytes. */
  readonly source: number | AsyncIterable<Buffer>;
  /** An empty folder of the host, of the caller's. It becomes the layer, with whiteouts in overlayfs's form. */
  readonly destination: string;
  /**
   * The layers below, topmost first: `[]` for the lowest one. For others given only in the second try, when the first said
   * `dependsOnLower`, with `destination` empty again: what the archive names and does not hold is then taken from them.
   */
  readonly lower?: readonly string[];
  readonly limits: UnpackLimits;
  readonly signal?: AbortSignal | undefined;
  /** Bytes read of the blob so far. */
  readonly onProgress?: ((readBytes: number) => void) | undefined;
}

export interface UnpackReport {
  /** `sha256:…` of the uncompressed tar. */
  readonly diffId: string;
  /** `sha256:…` of the bytes that were read. */
  readonly blobDigest: string;
  readonly blobBytes: number;
  /** Of regular files, each counted once. */
  readonly unpackedBytes: number;
  readonly entries: number;
  /** Of the owners and groups that it names. */
  readonly highestId?: number;
  /**
   * The archive names something that it does not hold: the parent folder of an entry, or the target of a hard link. Alone it cannot
   * be unpacked rightly, unless it is the lowest layer; nothing in `destination` is to be used then.
   */
  readonly dependsOnLower: boolean;
}

/**
 * Everything is on the disk when it resolves (syncfs(2)); the digests are what was read, for the caller to compare before anybody sees
 * the folder.
 *
 * @throws ERR_TSRUN_IMAGE with the entry's name for an archive that is damaged, hostile or beyond a limit; ERR_TSRUN_STORE for a full
 * or unfit disk; ERR_TSRUN_ABORTED
 */
export type Unpack = (request: UnpackRequest) => Promise<UnpackReport>;
