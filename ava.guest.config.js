// Inside a guest: the host tests, and the unit test files in which a test could not run on the bare host.
import host from './ava.host.config.js';
import { unitFiles } from './ava.config.js';

export default { ...host, files: ['test/host/**/*.test.ts', ...unitFiles.filter((pattern) => !pattern.startsWith('!'))] };
