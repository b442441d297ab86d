/** Walks the one table of flags through everything that is made from it. */
import { readFileSync } from 'node:fs';
import test from 'ava';
import { commands } from '../../src/cli/commands.js';
import { completionScript } from '../../src/cli/completion.js';
import { emptyDraft, type CommandName, type Flag } from '../../src/cli/flags/flag.js';
import { flags, flagsOf, isRepeatable, spellings } from '../../src/cli/flags.js';
import { renderCommandHelp } from '../../src/cli/help.js';
import { validateRunOptions } from '../../src/container/options/validate-options.js';
import { command, context, parse } from './support.js';

const issueFlags = [
  ...['-d', '-e', '--env-file', '-w', '--workdir', '-u', '--group-add', '-h', '--hostname', '--domainname', '-i', '-t'],
  ...['--name', '--rm', '--entrypoint', '-v', '--mount', '--tmpfs', '--read-only', '--writable', '--shm-size', '--storage-opt'],
  ...['-m', '--memory', '--memory-swap', '--memory-reservation', '--cpus', '--cpuset-cpus', '-c', '--cpu-shares'],
  ...['--pids-limit', '--ulimit', '--cap-add', '--cap-drop', '--security-opt', '--privileged', '--device', '--sysctl'],
  ...['--init', '--oom-score-adj', '--stop-signal', '--stop-timeout', '--network', '--pid', '--ipc', '--uts', '--cgroupns'],
  ...['--userns', '--time-offset', '--dns', '--add-host', '--label', '--annotation', '--cidfile', '--strict', '--json'],
];

const rows = flags.flatMap((flag) => flag.commands.map((name) => [name, flag] as const));
const plain = { width: 100, paint: (_style: string, text: string) => text };
const docs = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8');

function valueWords(spelling: string, flag: Flag): string[] {
  return flag.kind === 'boolean' ? [spelling] : [spelling, flag.example];
}

/** What the command needs beside the flag to be complete. */
function others(name: CommandName): string[] {
  const positionals: Partial<Record<CommandName, string[]>> = {
    ...Object.fromEntries((['run', 'explain', 'up'] as const).map((each) => [each, ['./image']])),
    exec: ['web.1', 'ls'],
    update: ['web.1'],
    attach: ['web.1'],
    logs: ['web.1'],
    stop: ['web.1'],
    scale: ['web=2'],
    kill: ['web.1'],
    rm: ['web.1'],
    inspect: ['web.1'],
    diff: ['web.1'],
    mount: ['app:1'],
    unmount: ['app:1'],
    cp: ['web.1:/etc', './etc'],
    ...Object.fromEntries((['pull', 'save', 'rmi', 'history', 'layers'] as const).map((each) => [each, ['app:1']])),
    tag: ['app:1', 'app:2'],
  };
  return positionals[name] ?? [];
}

test('run and explain have every flag that a user is promised', (t) => {
  for (const name of ['run', 'explain'] as const) {
    const own = flagsOf(name).flatMap(spellings);
    t.deepEqual(issueFlags.filter((flag) => !own.includes(flag)), []);
  }
});

test('no spelling means two things in one command', (t) => {
  for (const { name } of commands) {
    const own = flagsOf(name).flatMap(spellings);
    t.is(new Set(own).size, own.length, name);
    t.false(own.includes('--help'));
  }
});

for (const [name, flag] of rows) {
  const title = `${name} ${spellings(flag).join(' ')}`;

  test(`${title}: parsed in every spelling, with one meaning`, (t) => {
    const tail = flag.name === 'diff' && name === 'explain' ? [...others(name), '--'] : others(name);
    const forms = spellings(flag).map((spelling) => valueWords(spelling, flag));
    const value = flag.kind === 'boolean' ? 'true' : flag.example;
    forms.push(...spellings(flag).map((spelling) => [`${spelling}=${value}`]));
    if (flag.short !== undefined && flag.kind !== 'boolean') forms.push([`-${flag.short}${value}`]);
    const parsed = forms.map((words) => parse(name, ...words, ...tail));
    for (const result of parsed) t.deepEqual(result, parsed[0]);
    if (flag.name === 'rm') t.true(parsed[0]?.first.options.autoRemove);
  });

  test(`${title}: changes the draft, and the API takes what comes of it`, (t) => {
    const draft = emptyDraft();
    flag.apply(draft, flag.example, context);
    t.notDeepEqual(draft, emptyDraft());
    t.notThrows(() => validateRunOptions(draft.options));
  });

  test(`${title}: in help, in the reference and in every completion script`, (t) => {
    const help = renderCommandHelp(command(name), plain);
    const section = docs.split('\n## ').find((part) => part.startsWith(`tsrun ${name === 'explain' && flag.commands.includes('run') ? 'run' : name}\n`)) ?? '';
    for (const spelling of spellings(flag)) {
      t.regex(help, new RegExp(`[ ]${spelling}(,| |\n)`));
      t.true(section.includes(`\`${spelling}\``), `docs/cli.md, ${spelling}`);
      t.regex(completionScript('bash'), new RegExp(`\n    ${name}\\) REPLY='([^'\n]* )?${spelling} `));
      t.true(zshPart(name).includes(spelling), `zsh, ${spelling}`);
      const word = spelling.startsWith('--') ? `-l ${spelling.slice(2)}` : `-s ${spelling.slice(1)}`;
      t.true(fishLines(name).some((line) => line.includes(` ${word} `)), `fish, ${spelling}`);
    }
    t.true(section.includes(flag.help.replaceAll('|', '\\|')));
  });

  if (flag.completion !== undefined && typeof flag.completion === 'object') {
    const { completion } = flag;
    test(`${title}: every word that completion offers is allowed or is the start of a value`, (t) => {
      for (const word of completion) {
        if (!/[=:]$/.test(word)) t.notThrows(() => { flag.apply(emptyDraft(), word, context); }, word);
        for (const script of [completionScript('bash'), zshPart(name).replaceAll('\\:', ':'), fishLines(name).join('\n')]) t.true(script.includes(word), word);
      }
    });
  }
}

function zshPart(name: CommandName): string {
  return completionScript('zsh').split(`\n    ${name})\n`)[1]?.split(';;\n')[0] ?? '';
}

function fishLines(name: CommandName): string[] {
  return completionScript('fish').split('\n').filter((line) => line.startsWith(`complete -c tsrun -n '__tsrun_at ${name}`));
}

test('a boolean takes =false, in the long and the short form', (t) => {
  for (const [name, flag] of rows.filter(([, { kind }]) => kind === 'boolean')) {
    for (const spelling of spellings(flag)) {
      const { first } = parse(name, `${spelling}=false`, ...others(name));
      t.notRegex(JSON.stringify({ ...first.flags, ...first.options }), /true|writable|read-only/, `${name} ${spelling}=false`);
    }
  }
});

test('lists grow when repeated, all else is replaced', (t) => {
  for (const [name, flag] of rows.filter(([, row]) => row.kind !== 'boolean')) {
    const words = valueWords(`--${flag.name}`, flag);
    const once = parse(name, ...words, ...others(name));
    const twice = parse(name, ...words, ...words, ...others(name));
    if (flag.kind === 'list' && !['env-file', 'dotenv'].includes(flag.name)) t.notDeepEqual(twice, once, flag.name);
    else t.deepEqual(twice, once, flag.name);
  }
});

test('help lines are in the style of the house', (t) => {
  for (const flag of flags) {
    t.regex(flag.help, /^[a-zN][^\n]*[^.\n]$/, flag.name);
    t.is(flag.kind === 'boolean', flag.placeholder === '', flag.name);
    t.is(isRepeatable(flag), flag.kind === 'list' || flag.kind === 'pairs');
  }
  for (const { name, summary } of commands) t.regex(summary, /^[a-z][^\n]*[^.\n]$/, name);
});
