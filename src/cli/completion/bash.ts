/** The completion script for bash 4.1 and later. It needs nothing of the bash-completion package. */
import type { Command } from '../command.js';
import { commands } from '../commands.js';
import type { Flag } from '../flags/flag.js';
import { flagsOf, spellings } from '../flags.js';
import type { Completion } from '../values/value-type.js';

export function bashScript(): string {
  const names = commands.map(({ name }) => name);
  return [
    '# bash completion for tsrun; made by: tsrun completion bash',
    '',
    shellCase('_tsrun_flags', commands.map((command) => [[command.name], `REPLY='${flagWords(command)}'`])),
    shellCase('_tsrun_takes_value', [[commands.flatMap(valueSpellings), 'return 0'], [['*'], 'return 1']]),
    shellCase('_tsrun_value', commands.flatMap(valueCases)),
    shellCase('_tsrun_positional', commands.flatMap(positionalCases)),
    engine(names, commands.filter(({ takesProgram }) => takesProgram).map(({ name }) => name)),
  ].join('\n');
}

function flagWords(command: Command): string {
  return [...flagsOf(command.name).flatMap(spellings), '--help'].join(' ');
}

function valueSpellings(command: Command): string[] {
  return flagsOf(command.name)
    .filter(({ kind }) => kind !== 'boolean')
    .flatMap((flag) => patterns(command, flag));
}

function patterns(command: Command, flag: Flag): string[] {
  return spellings(flag).map((spelling) => `${command.name}:${spelling}`);
}

type Case = readonly [patterns: readonly string[], action: string];

function valueCases(command: Command): Case[] {
  return flagsOf(command.name).flatMap((flag): Case[] =>
    flag.completion === undefined ? [] : [[patterns(command, flag), reply(flag.completion)]],
  );
}

function positionalCases(command: Command): Case[] {
  return command.positionals.map((positional, index) => [
    [`${command.name}:${positional.many ? '*' : index}`],
    reply(positional.completion),
  ]);
}

function reply(completion: Completion): string {
  if (completion === 'file') return '_tsrun_reply -f "$3"';
  if (completion === 'folder') return '_tsrun_reply -d "$3"';
  if (completion === 'container') return '_tsrun_reply -W "$(_tsrun_containers)" "$3"';
  if (completion === 'stored-image') return '_tsrun_reply -W "$(_tsrun_images)" "$3"';
  if (completion === 'object') return '_tsrun_reply -W "$(_tsrun_containers; _tsrun_images)" "$3"';
  // What is on the disk first: a folder or file of that name is what would be run.
  if (completion === 'path') return '_tsrun_reply -f "$3"; [[ $3 == */* ]] || _tsrun_more "$(_tsrun_containers | sed s/$/:/)" "$3"';
  if (completion === 'image') return '_tsrun_reply -f "$3"; [[ $3 == */* ]] || _tsrun_more "$(_tsrun_images)" "$3"';
  return `_tsrun_reply -W '${completion.join(' ')}' "$3"`;
}

/** A function that chooses by its first two arguments. */
function shellCase(name: string, cases: readonly Case[]): string {
  const filled = cases.filter(([words]) => words.length > 0);
  const lines = filled.map(([words, action]) => `    ${words.join('|')}) ${action} ;;`);
  return [`${name}() {`, '  case "$1${2+:}${2-}" in', ...lines, '  esac', '}', ''].join('\n');
}

/** The part that is the same whatever the tables hold. */
function engine(names: readonly string[], withProgram: readonly string[]): string {
  return String.raw`_tsrun_containers() { tsrun ps -a -q 2>/dev/null; }
_tsrun_images() { tsrun images --names 2>/dev/null; }

# Adds words: _tsrun_more WORDS CURRENT
_tsrun_more() {
  local found=("${'${COMPREPLY[@]}'}")
  _tsrun_reply -W "$1" "$2"
  COMPREPLY=("${'${found[@]}'}" "${'${COMPREPLY[@]}'}")
}

# Fills COMPREPLY: _tsrun_reply -W WORDS|-f|-d CURRENT
_tsrun_reply() {
  local kind=$1 current=${'${!#}'} words=$2
  case $kind in
    -W) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen "$kind" -- "$current"); compopt -o filenames 2>/dev/null ;;
  esac
  # Bash breaks words at "=" and ":" and puts back only what follows the last of them.
  local kept=${'${current##*[=:]}'}
  COMPREPLY=("${'${COMPREPLY[@]#"${current%"$kept"}"}'}")
  [[ ${'${#COMPREPLY[@]}'} == 1 && ${'${COMPREPLY[0]}'} == *[=:] ]] && compopt -o nospace 2>/dev/null
  return 0
}

# Prints the flag whose value the next word is, if there is one: -m, or -u of -itu.
_tsrun_awaits() {
  local command=$1 word=$2 at letter
  if [[ $word == --* ]]; then
    [[ $word != *=* ]] && _tsrun_takes_value "$command" "$word" && printf '%s' "$word"
    return
  fi
  for ((at = 1; at < ${'${#word}'}; at++)); do
    letter=${'${word:at:1}'}
    _tsrun_takes_value "$command" "-$letter" || continue
    ((at == ${'${#word}'} - 1)) && printf '%s' "-$letter"
    return
  done
}

_tsrun() {
  local -a words=()
  local i word glue=0
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=${'${COMP_WORDS[i]}'}
    if ((glue)) || [[ i -gt 0 && $word == [=:]* ]]; then words[${'${#words[@]}'} - 1]+=$word; else words+=("$word"); fi
    if [[ $word == *[=:] && $word != *[!=:]* ]]; then glue=1; else glue=0; fi
  done
  local last=$((${'${#words[@]}'} - 1)) command='' flag='' open=1 count=0
  local current=${'${words[last]}'}
  for ((i = 1; i < last; i++)); do
    word=${'${words[i]}'}
    if [[ -z $command ]]; then [[ $word == -* ]] || command=$word
    elif [[ -n $flag ]]; then flag=''
    elif [[ $word == -- ]]; then
      # What follows is for the program; after explain IMAGE it is a second set of flags.
      if [[ $command == explain && $count -gt 0 ]]; then open=1 count=0; else open=0; fi
    elif ((open)) && [[ $word == -?* ]]; then flag=$(_tsrun_awaits "$command" "$word")
    else
      count=$((count + 1))
      case $command in ${withProgram.join('|')}) open=0 ;; esac
    fi
  done
  COMPREPLY=()
  local REPLY=''
  if [[ -z $command ]]; then _tsrun_reply -W '${names.join(' ')} help --help --version' "$current"
  elif [[ -n $flag ]]; then _tsrun_value "$command" "$flag" "$current"
  elif ((open)) && [[ $current == --*=* ]]; then _tsrun_value "$command" "${'${current%%=*}'}" "${'${current#*=}'}"
  elif ((open)) && [[ $current == -* ]]; then
    _tsrun_flags "$command"
    _tsrun_reply -W "$REPLY" "$current"
  elif [[ $command == help ]]; then _tsrun_reply -W '${names.join(' ')}' "$current"
  else _tsrun_positional "$command" "$count" "$current"
  fi
}

complete -F _tsrun tsrun
`;
}
