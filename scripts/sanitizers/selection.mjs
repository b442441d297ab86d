// What runs over which build, and what does not, with the reason.
const hostFiles = (...names) => names.map((name) => `test/host/${name}.test.ts`);

export const archiveFiles = hostFiles('archive-rules', 'archive-whiteouts', 'archive-trees', 'archive-limits', 'attack-archive');
/** Memory is held by the walls, and so is a root that there must be. */
export const ofTheWalls = ['*for its hunger', '*is no silence'];

/** What starts nothing that a preloaded library would end, but Node with the addon. */
export const lockFiles = ['test/image/store/locks.test.ts'];
/** What goes through the addon in one process, from several threads or with much at once. */
export const glueFiles = hostFiles('worker', 'lifecycle', 'ends-and-streams', 'listening', 'launcher-queues', 'launcher-wants', 'closed-runtime', 'terminal');

export const lifecycleFiles = hostFiles('lifecycle', 'early-death', 'ends-and-streams', 'survive', 'launcher-processes', 'launcher-queues');
export const leftOutUnderValgrind = [
  // Valgrind's own calls are among them.
  '*a filter that lets nothing happen*',
];

/** Files that say nothing of the launcher with sanitizers. */
export const leftOutFiles = [
  // Packs and installs what is shipped.
  'package',
  // Compares its system calls with the floor's: those of the sanitizers are among them.
  'floor',
  // Holds programs to a speed.
  'dyno-throughput',
];

export const leftOutTitles = [
  // Holds the launcher to a few MB, to which come shadow and quarantine.
  '*is asked no further*',
  // Its attacker reads all memory of a copy of the launcher, of which the shadow alone is terabytes.
  '*of a process on its way in*',
];
