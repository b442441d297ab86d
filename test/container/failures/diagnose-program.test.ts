// What is missing of a program that is there; bad-input.test.ts has the same of real containers.
import test from 'ava';
import { diagnoseProgram, type ProgramDiagnosis } from '../../../src/container/failures/diagnose-program.js';
import type { StepExecute } from '../../../src/plan/wire.generated.js';
import { elfBytes } from '../../support/elf-bytes.js';

/** For a program `/bin/program` that execve does not find. */
function diagnose(files: Readonly<Record<string, Buffer | string>>): ProgramDiagnosis {
  const path = '/bin/program';
  const step: StepExecute = { op: 'execute', paths: [path], arguments: [path], environment: [], reaper: false };
  const readInRoot = (name: string, limitBytes: number) => (files[name] === undefined ? null : Buffer.from(files[name]).subarray(0, limitBytes));
  return diagnoseProgram(step, 'ENOENT', { syscallName: () => '', readInRoot });
}

const loader = '/lib/ld-musl.so.1';
const dynamic = elfBytes({ interpreter: loader, needed: [] });
const fixed = elfBytes({ needed: [] });

test('a script with the line ends of Windows', (t) => {
  const windows = /^the first line of the script '\/bin\/program' ends with a carriage return \(Windows line ends\)/;
  for (const text of ['#!/bin/sh\r\necho hi\r\n', '#! /bin/sh\r\n', '#!\r\n', '#!/bin/none\r']) {
    const { message, hint } = diagnose({ '/bin/program': text, '/bin/sh': fixed });
    t.regex(message, windows, JSON.stringify(text));
    t.regex(hint, /dos2unix, or sed -i 's\/\\r\$\/\/'/);
  }
  t.regex(diagnose({ '/bin/program': '#!/bin/other\n', '/bin/other': '#!/bin/sh\r\n' }).message, /the script '\/bin\/other' ends with a carriage return/);
  t.regex(diagnose({ '/bin/program': '#!/bin/none -e\r\n' }).message, /a script for '\/bin\/none', which is not in the image$/);
  t.regex(diagnose({ '/bin/program': '#!/bin/\u001bnone\n' }).message, /a script for '\/bin\/\\u001bnone'/);
});

test('only a loader that is named and is not there is said to be missing', (t) => {
  t.regex(diagnose({ '/bin/program': dynamic }).message, /^'\/bin\/program' needs the shared library loader '\/lib\/ld-musl\.so\.1', which is not in the image$/);
  const covered = /is in the image, but it, or what it is to be run by, was not found in the container$/;
  for (const files of [{ '/bin/program': fixed }, { '/bin/program': dynamic, [loader]: fixed }, { '/bin/program': '' }]) {
    t.regex(diagnose(files).message, covered);
    t.regex(diagnose(files).hint, /a mount may cover it/);
  }
  t.regex(diagnose({ '/bin/program': '#!/bin/sh\n', '/bin/sh': fixed }).message, /^'\/bin\/sh' is in the image/);
});
