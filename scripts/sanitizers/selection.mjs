// What runs over which build, and what does not, with the reason.
const hostFiles = (...names) => names.map((name) => `test/host/${name}.test.ts`);

export const archiveFiles = hostFiles('archive-rules', 'archive-whiteouts', 'archive-trees', 'archive-limits', 'attack-archive');
/** Memory is held by the walls, and so is a root that there must be. */
export const ofTheWalls = ['*for its hunger', '*is no silence'];

/** Files in which the launcher is not what is tested, or is measured. */
export const leftOutFiles = [
  { name: 'package', why: 'packs and installs what is shipped' },
  { name: 'floor', why: 'compares speeds' },
];

export const leftOutTitles = [];
