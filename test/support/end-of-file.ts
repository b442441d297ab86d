/**
 * A file of tests whose process does not end by itself, such as one with a runtime that a failed test has left open, is a failure of its own.
 * ava would wait for it, and all files behind it with that: its own limit is passed over once a test has set another (`t.timeout`).
 */
import { registerCompletionHandler } from 'ava';

const patienceMs = process.env['TSRUN_LANE'] === undefined && process.env['TSRUN_TEST_SANITIZED'] === undefined ? 10_000 : 100_000;

registerCompletionHandler(() => {
  setTimeout(() => {
    console.error(`this file of tests has ended, and something keeps its process: ${process.getActiveResourcesInfo().join(', ')}`);
    process.exit(1);
  }, patienceMs).unref();
});
