/** How an index names its images. */

/** image-spec, annotations.md: a tag, or whatever the maker took for a name. */
export const refName = 'org.opencontainers.image.ref.name';
/** What containerd, and docker from version 25 on, write beside it: the whole name. Then the other is but its tag. */
export const containerdName = 'io.containerd.image.name';
