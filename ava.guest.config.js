// Inside a guest: the host tests, and the unit test files in which a test could not run on the bare host.
import host from './ava.host.config.js';
import { unitFiles } from './ava.config.js';

// Source maps are read with each module, which costs a slow processor a second and a half for every file of tests.
export default { ...host, nodeArguments: [], files: ['test/host/**/*.test.ts', ...unitFiles.filter((pattern) => !pattern.startsWith('!'))] };
