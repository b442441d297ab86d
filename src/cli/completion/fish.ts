/** The completion script for fish 3 and 4. */
import type { Command } from '../command.js';
import { commands } from '../commands.js';
import type { Flag } from '../flags/flag.js';
import { flagsOf, spellings } from '../flags.js';
import type { Completion } from '../values/value-type.js';

export function fishScript(): string {
  return [
    '# fish completion for tsrun; made by: tsrun completion fish',
    '',
    valueFlags(),
    functions,
    'complete -c tsrun -f',
    `complete -c tsrun -n __tsrun_no_command -l help -d ${quoted('show help')}`,
    `complete -c tsrun -n __tsrun_no_command -l version -d ${quoted('show the version')}`,
    `complete -c tsrun -n __tsrun_no_command -a help -d ${quoted('show help')}`,
    ...commands.map(({ name, summary }) => `complete -c tsrun -n __tsrun_no_command -a ${name} -d ${quoted(summary)}`),
    `complete -c tsrun -n '__tsrun_at help 0' -a ${quoted(commands.map(({ name }) => name).join(' '))}`,
    ...commands.flatMap(commandLines),
    '',
  ].join('\n');
}

/** Which flags swallow the next word: needed to count positionals. */
function valueFlags(): string {
  const cases = commands.flatMap((command) => {
    const taking = flagsOf(command.name).filter(({ kind }) => kind !== 'boolean');
    return taking.length === 0 ? [] : [`        case ${command.name}`, `            string split ' ' -- ${quoted(taking.flatMap(spellings).join(' '))}`];
  });
  return ['function __tsrun_value_flags', '    switch $argv[1]', ...cases, '    end', 'end', ''].join('\n');
}

const functions = String.raw`function __tsrun_no_command
    test (count (commandline -opc)) -eq 1
end

# True in the arguments of a command; with a number, only after that many positionals.
function __tsrun_at
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test $words[2] = $argv[1]; or return 1
    set -q argv[2]; or return 0
    set -l taking (__tsrun_value_flags $argv[1])
    set -l positionals 0
    set -l skip 0
    for word in $words[3..-1]
        if test $skip = 1
            set skip 0
            continue
        end
        switch $word
            case '--*=*'
            case '--*'
                contains -- $word $taking; and set skip 1
            case '-*' # fish 4 has no wildcard "?"
                # -u of -itu waits for a word; the PORT of -ePORT=1 is one already.
                contains -- (string sub -l 2 -- $word) $taking; and test (string length -- $word) -gt 2; and continue
                contains -- -(string sub -s -1 -- $word) $taking; and set skip 1
            case '*'
                set positionals (math $positionals + 1)
        end
    end
    test $positionals -eq $argv[2]
end
`;

function commandLines(command: Command): string[] {
  // Flags of a command that takes a program end at its image or container.
  const flagPlace = quoted(command.takesProgram ? `__tsrun_at ${command.name} 0` : `__tsrun_at ${command.name}`);
  return [
    ...flagsOf(command.name).map((flag) => `complete -c tsrun -n ${flagPlace} ${flagWords(flag)}`),
    `complete -c tsrun -n ${flagPlace} -l help -d ${quoted('show help')}`,
    ...command.positionals.map(({ many, completion }, index) => {
      const place = many ? `__tsrun_at ${command.name}` : `__tsrun_at ${command.name} ${index}`;
      return `complete -c tsrun -n ${quoted(place)} ${candidates(completion)}`;
    }),
  ];
}

function flagWords(flag: Flag): string {
  const names = [
    ...(flag.short === undefined ? [] : [`-s ${flag.short}`]),
    ...[flag.name, ...(flag.aliases ?? [])].map((name) => `-l ${name}`),
  ];
  const value = flag.kind === 'boolean' ? [] : flag.completion === undefined ? ['-x'] : valueWords(flag.completion);
  return [...names, ...value, `-d ${quoted(flag.help)}`].join(' ');
}

function valueWords(completion: Completion): string[] {
  if (completion === 'file') return ['-r -F'];
  return [completion === 'image' || completion === 'path' ? '-r' : '-x', candidates(completion)];
}

function candidates(completion: Completion): string {
  if (completion === 'file') return '-F';
  if (completion === 'path') return "-F -a '(tsrun ps -a -q 2>/dev/null | string replace -r \\$ :)'";
  if (completion === 'folder') return "-a '(__fish_complete_directories)'";
  if (completion === 'image') return "-F -a '(tsrun images --names 2>/dev/null)'";
  if (completion === 'stored-image') return "-a '(tsrun images --names 2>/dev/null)'";
  if (completion === 'object') return "-a '(tsrun ps -a -q 2>/dev/null; tsrun images --names 2>/dev/null)'";
  if (completion === 'container') return "-a '(tsrun ps -a -q 2>/dev/null)'";
  return `-a ${quoted(completion.join(' '))}`;
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
