// The tests that make containers, cgroups and mounts: as root, one after the other, so that each may look at the whole host.
import { shared } from './ava.config.js';

// An emulated processor is some twenty times slower.
const timeout = process.env.TSRUN_LANE === undefined ? '120s' : '300s';

export default { ...shared, files: ['test/host/**/*.test.ts', 'test/vm/harness.test.mjs'], serial: true, concurrency: 1, timeout };
