/** How a drain does. `failing`: the last try to deliver has failed, and there will be another. */
export type DrainState = 'working' | 'failing' | 'ended';
