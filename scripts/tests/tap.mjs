// Reads what `ava --tap` prints. ava puts a file's path below the folder that all files of the run share in front of each title;
// here every test gets its whole file and its bare title back, so that the same test has the same name in every run.
const separator = ' › ';
// What a test lacks stands at the end of its title (test/support/needs.ts), since TAP lines of ava give no reason for a skip.
const lackPattern = / \((needs [^()]+)\)$/;

/** The lines of a run as a list of { file, title, outcome, lack, details }; `file` is undefined for what ava says of itself. */
export function readTap(text, files) {
  const heads = headsOf(files);
  const tests = [];
  let inDetails = false;
  for (const line of text.split('\n')) {
    const match = /^(not )?ok \d+ - (.*?)( # SKIP| # TODO)?$/.exec(line);
    if (match) tests.push(testOf(match, heads));
    else if (line === '  ---' || line === '  ...') inDetails = line === '  ---';
    else if (inDetails) tests.at(-1)?.details.push(line.slice('    '.length));
  }
  return tests;
}

/** ava's own count of failures, which is higher than the lines say when a process ended early. */
export function countedFailures(text) {
  const match = /^# fail (\d+)$/m.exec(text);
  return match ? Number(match[1]) : undefined;
}

function testOf([, failed, whole, directive = ''], heads) {
  const { file, rest } = splitFile(whole, heads);
  const lack = lackPattern.exec(rest)?.[1];
  return { file, title: rest.replace(lackPattern, ''), outcome: outcomeOf(failed, directive), lack, details: [] };
}

function outcomeOf(failed, directive) {
  if (directive === ' # SKIP') return 'skipped';
  return failed ? 'failed' : 'passed';
}

function splitFile(whole, heads) {
  const found = heads.find(({ head }) => whole.startsWith(head));
  return found ? { file: found.file, rest: whole.slice(found.head.length) } : { file: undefined, rest: whole };
}

/** What stands before a title, for each file, the longest first. */
function headsOf(files) {
  const paths = files.map((file) => file.split('/'));
  const shared = sharedFolders(paths);
  const heads = files.map((file, index) => ({ file, head: files.length === 1 ? '' : headOf(paths[index].slice(shared)) }));
  return heads.sort((one, other) => other.head.length - one.head.length);
}

function sharedFolders(paths) {
  const [first = []] = paths;
  const end = first.findIndex((part, index) => paths.some((path) => path[index] !== part));
  return end < 0 ? first.length : end;
}

function headOf(parts) {
  const folders = parts.slice(0, -1);
  const name = parts.at(-1).replace('.test.', '.').replace('test-', '').replace(/\.(ts|mjs)$/, '');
  return [...folders, name, ''].join(separator);
}
