/** Columns of `tsrun top`, in the order in which they go when there is no room: the last one first. */
export const sortKeys = ['name', 'state', 'cpu', 'memory', 'pids', 'uptime', 'pressure', 'restarts', 'throttled'] as const;
export type SortKey = (typeof sortKeys)[number];
