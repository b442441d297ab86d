// The pure tests, and those of the host that are quick and clean up after themselves; no root needed.
export const shared = {
  typescript: { rewritePaths: { 'src/': 'dist/src/', 'test/': 'dist/test/' }, compile: false },
  // The engine holds descriptors and sockets for its process: a file of tests must not share one with another.
  workerThreads: false,
  nodeArguments: ['--enable-source-maps'],
  utilizeParallelBuilds: false,
  require: ['./test/support/end-of-file.ts'],
  environmentVariables: { TSRUN_TEST: '1' },
};

export const unitFiles = ['test/**/*.test.ts', 'test/vm/marked-stream.test.mjs', '{rootfs-fixtures,schemas,scripts}/**/*.test.mjs', '!test/host/**'];

export default { ...shared, files: unitFiles, timeout: '60s' };
