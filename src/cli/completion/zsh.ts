/** The completion script for zsh, on top of its own _arguments. */
import type { Command, Positional } from '../command.js';
import { commands } from '../commands.js';
import type { Flag } from '../flags/flag.js';
import { flagsOf, isRepeatable } from '../flags.js';
import type { Completion } from '../values/value-type.js';

export function zshScript(): string {
  const described = commands.map(({ name, summary }) => `    ${quoted(`${name}:${escapeColons(summary)}`)}`);
  return [
    '#compdef tsrun',
    '# zsh completion for tsrun; made by: tsrun completion zsh',
    '',
    '_tsrun_containers() {',
    '  local -a names',
    '  names=(${(f)"$(tsrun ps -a -q 2>/dev/null)"})',
    "  _wanted containers expl 'container' compadd -a names",
    '}',
    '',
    '_tsrun_images() {',
    '  local -a names',
    '  names=(${(f)"$(tsrun images --names 2>/dev/null)"})',
    "  _wanted images expl 'image' compadd -a names",
    '}',
    '',
    '_tsrun_sources() { _alternative files:file:_files images:image:_tsrun_images }',
    '_tsrun_paths() { local -a ids=(${(f)"$(tsrun ps -a -q 2>/dev/null)"}); _alternative "containers:container:compadd -S : -a ids" files:file:_files }',
    '_tsrun_objects() { _alternative containers:container:_tsrun_containers images:image:_tsrun_images }',
    '',
    '_tsrun_commands() {',
    '  local -a names',
    '  names=(',
    ...described,
    "    'help:show help'",
    '  )',
    "  _describe -t commands 'command' names",
    '}',
    '',
    '_tsrun() {',
    '  local curcontext=$curcontext state line ret=1',
    '  typeset -A opt_args',
    "  _arguments -C '(- *)--help[show help]' '(- *)--version[show the version]' '1:command:_tsrun_commands' '*:: :->arguments' && ret=0",
    '  [[ $state == arguments ]] || return ret',
    '  case $words[1] in',
    ...commands.map(commandCase),
    "    help) _arguments '1:command:_tsrun_commands' && ret=0 ;;",
    '  esac',
    '  return ret',
    '}',
    '',
    // Autoloaded from $fpath the file is the body of the function; sourced, it registers itself.
    'if [[ $funcstack[1] == _tsrun ]]; then _tsrun "$@"; else compdef _tsrun tsrun; fi',
    '',
  ].join('\n');
}

function commandCase(command: Command): string {
  const specs = [...flagsOf(command.name).map(flagSpec), quoted('(- *)--help[show help]'), ...command.positionals.map(positionalSpec)];
  if (command.takesProgram) specs.push(quoted('*::program: '));
  const stop = command.takesProgram ? " -A '-*'" : '';
  return [`    ${command.name})`, `      _arguments -s -S${stop} \\`, ...specs.map((spec) => `        ${spec} \\`), '        && ret=0', '      ;;'].join('\n');
}

/** `'(-m --memory)'{-m+,--memory=}'[what]:BYTES:action'` */
function flagSpec(flag: Flag): string {
  const takesValue = flag.kind !== 'boolean';
  const short = flag.short === undefined ? [] : [`-${flag.short}`];
  const long = [flag.name, ...(flag.aliases ?? [])].map((name) => `--${name}`);
  const all = [...short, ...long];
  const names = takesValue ? [...short.map((name) => `${name}+`), ...long.map((name) => `${name}=`)] : all;
  const prefix = isRepeatable(flag) ? '*' : `(${all.join(' ')})`;
  const tail = `[${flag.help.replace(/[[\]\\]/g, '\\$&')}]${takesValue ? `:${escapeColons(flag.placeholder)}:${action(flag.completion)}` : ''}`;
  return names.length === 1 ? quoted(`${prefix}${names.join('')}${tail}`) : `${quoted(prefix)}{${names.join(',')}}${quoted(tail)}`;
}

function positionalSpec(positional: Positional, index: number): string {
  const place = positional.many ? '*' : `${index + 1}`;
  return quoted(`${place}:${positional.name}:${action(positional.completion)}`);
}

function action(completion: Completion | undefined): string {
  if (completion === undefined) return ' ';
  if (completion === 'file') return '_files';
  if (completion === 'folder') return '_files -/';
  if (completion === 'image') return '_tsrun_sources';
  if (completion === 'stored-image') return '_tsrun_images';
  if (completion === 'object') return '_tsrun_objects';
  if (completion === 'container') return '_tsrun_containers';
  if (completion === 'path') return '_tsrun_paths';
  return `(${completion.map(escapeColons).join(' ')})`;
}

function escapeColons(text: string): string {
  return text.replaceAll(':', '\\:');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
