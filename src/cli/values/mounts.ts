/** Docker's ways to write a mount: `-v src:dst[:opts]`, `--mount type=…,…` and `--tmpfs dst[:opts]`. */
import { posix } from 'node:path';
import { nearest, type MountOption } from '../../index.js';
import { quote } from '../escape.js';
import { parseBoolean, parseBytes, requireText } from './basic.js';
import { splitCsv } from './csv.js';
import { ValueError, type ValueType } from './value-type.js';

const propagations = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'];
const attributes = [
  ...['nosuid', 'suid', 'nodev', 'dev', 'noexec', 'exec', 'nosymfollow', 'symfollow'],
  ...['noatime', 'relatime', 'strictatime', 'nodiratime'],
];
const bindOptions = ['ro', 'rw', 'bind', 'rbind', 'idmap', ...propagations, ...attributes];
const refusedBindOptions = new Map([
  ['z', 'SELinux labels are not changed by tsrun; label the folder with chcon'],
  ['Z', 'SELinux labels are not changed by tsrun; label the folder with chcon'],
  ['nocopy', 'it belongs to named volumes, and tsrun has none'],
  ['consistent', 'it has a meaning on macOS only'],
  ['cached', 'it has a meaning on macOS only'],
  ['delegated', 'it has a meaning on macOS only'],
]);

export const volume: ValueType<MountOption> = {
  kind: 'string',
  placeholder: 'SRC:DST[:OPTIONS]',
  completion: 'file',
  parse: (text) => {
    const parts = requireText(text).split(':');
    const [source, destination, options] = parts;
    if (source === undefined || destination === undefined) {
      throw new ValueError('expected SRC:DST or SRC:DST:OPTIONS', 'anonymous volumes are not supported; name a folder of the host');
    }
    if (parts.length > 3) throw new ValueError('too many colons; expected SRC:DST:OPTIONS', 'a path that holds a colon can be given with --mount');
    return bind(source, destination, options === undefined ? [] : options.split(','));
  },
};

function bind(source: string, destination: string, words: readonly string[]): MountOption {
  for (const word of words) checkBindOption(word);
  const options = words.filter((word) => word !== 'ro' && word !== 'rw');
  return {
    type: 'bind',
    source: hostSource(source),
    destination: innerPath(destination),
    ...(readOnly(words) ? { readonly: true } : {}),
    ...(options.length > 0 ? { options } : {}),
  };
}

function readOnly(words: readonly string[]): boolean {
  if (words.includes('ro') && words.includes('rw')) throw new ValueError('"ro" and "rw" exclude each other');
  return words.includes('ro');
}

function checkBindOption(word: string): void {
  const refusal = refusedBindOptions.get(word);
  if (refusal !== undefined) throw new ValueError(`option ${quote(word)} is refused: ${refusal}`);
  requireKnown(word, bindOptions, 'option');
}

function requireKnown(word: string, known: readonly string[], what: string): void {
  if (known.includes(word)) return;
  if (word === '') throw new ValueError(`an empty ${what}`, `allowed are ${known.join(', ')}`);
  const meant = nearest(word, known);
  throw new ValueError(
    `unknown ${what} ${quote(word)}${meant === undefined ? '' : `, did you mean ${quote(meant)}?`}`,
    `allowed are ${known.join(', ')}`,
  );
}

/** Docker takes a bare word for the name of a volume; here it would silently be a folder, so it is refused. */
function hostSource(source: string): string {
  if (source.startsWith('/') || source === '.' || source === '..' || /^\.\.?\//.test(source)) return source;
  if (source === '') throw new ValueError('the source is empty');
  throw new ValueError(
    `named volumes are not supported, and ${quote(source)} is not a path`,
    `write ./${source} for a folder beside you`,
  );
}

/** An absolute path in the container, without `..`, doubled or trailing slashes. */
export function innerPath(path: string): string {
  if (!path.startsWith('/')) throw new ValueError(`the place in the container must be an absolute path, not ${quote(path)}`);
  const normal = posix.normalize(path).replace(/\/+$/, '');
  if (normal === '') throw new ValueError('the root of the container cannot be mounted over');
  return normal;
}

const tmpfsWords = ['ro', 'rw', ...attributes];
const tmpfsForms = new Map([
  ['size', /^\d+([kmg]|%)?$/i],
  ['nr_blocks', /^\d+[kmg]?$/i],
  ['nr_inodes', /^\d+[kmg]?$/i],
  ['mode', /^[0-7]{3,4}$/],
  ['uid', /^\d{1,10}$/],
  ['gid', /^\d{1,10}$/],
]);

export const tmpfs: ValueType<MountOption> = {
  kind: 'string',
  placeholder: 'DST[:OPTIONS]',
  parse: (text) => {
    const at = requireText(text).indexOf(':');
    const words = at < 0 ? [] : text.slice(at + 1).split(',');
    return tmpfsMount(at < 0 ? text : text.slice(0, at), words);
  },
};

function tmpfsMount(destination: string, words: readonly string[]): MountOption {
  for (const word of words) checkTmpfsOption(word);
  const options = words.filter((word) => word !== 'ro' && word !== 'rw');
  return {
    type: 'tmpfs',
    destination: innerPath(destination),
    ...(readOnly(words) ? { readonly: true } : {}),
    ...(options.length > 0 ? { options } : {}),
  };
}

function checkTmpfsOption(word: string): void {
  const [key = '', value] = word.split('=');
  if (value === undefined) {
    requireKnown(word, [...tmpfsWords, ...tmpfsForms.keys()], 'option');
    if (tmpfsForms.has(word)) throw new ValueError(`option ${quote(word)} needs a value`);
    return;
  }
  requireKnown(key, [...tmpfsForms.keys()], 'option');
  if (tmpfsForms.get(key)?.test(value) !== true) throw new ValueError(`option ${quote(key)} cannot be ${quote(value)}`);
}

const mountKeys = new Map([
  ['type', 'type'],
  ...['source', 'src'].map((key) => [key, 'source'] as const),
  ...['destination', 'dst', 'target'].map((key) => [key, 'destination'] as const),
  ...['readonly', 'ro'].map((key) => [key, 'readonly'] as const),
  ...['bind-propagation', 'bind-recursive', 'tmpfs-size', 'tmpfs-mode'].map((key) => [key, key] as const),
]);

export const mount: ValueType<MountOption> = {
  kind: 'string',
  placeholder: 'type=bind|tmpfs,…',
  parse: (text) => {
    const fields = mountFields(requireText(text));
    const destination = fields.get('destination');
    if (destination === undefined) throw new ValueError('"destination" is missing');
    const type = fields.get('type');
    if (type === 'bind') return bindFromFields(fields, destination);
    if (type === 'tmpfs') return tmpfsFromFields(fields, destination);
    if (type === 'volume' || type === undefined) {
      throw new ValueError('named volumes are not supported', 'write type=bind or type=tmpfs');
    }
    throw new ValueError(`unknown type ${quote(type)}`, 'allowed are bind, tmpfs');
  },
};

function mountFields(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const field of splitCsv(text)) {
    const at = field.indexOf('=');
    const word = at < 0 ? field : field.slice(0, at);
    if (word.startsWith('volume-') || word === 'consistency') throw new ValueError(`${quote(word)} is not supported`);
    requireKnown(word, [...mountKeys.keys()], 'key');
    const key = mountKeys.get(word) ?? word;
    if (fields.has(key)) throw new ValueError(`${quote(key)} is given twice`);
    if (at < 0 && key !== 'readonly') throw new ValueError(`key ${quote(word)} needs a value`);
    fields.set(key, at < 0 ? 'true' : field.slice(at + 1));
  }
  return fields;
}

function bindFromFields(fields: ReadonlyMap<string, string>, destination: string): MountOption {
  refuseKeys(fields, ['tmpfs-size', 'tmpfs-mode'], 'bind');
  const source = fields.get('source');
  if (source === undefined || source === '') throw new ValueError('"source" is missing');
  const recursion = recursionOptions(fields.get('bind-recursive'));
  const propagation = fields.get('bind-propagation');
  if (propagation !== undefined) requireKnown(propagation, propagations, 'propagation');
  const readonly = isReadonly(fields) ? ['ro'] : [];
  const words = [...readonly, ...recursion, ...(propagation === undefined ? [] : [propagation])];
  return { ...bind('/', destination, words), source };
}

function recursionOptions(recursive: string | undefined): readonly string[] {
  if (recursive === undefined) return [];
  if (recursive === 'enabled') return ['rbind'];
  if (recursive === 'disabled') return ['bind'];
  throw new ValueError(`"bind-recursive" cannot be ${quote(recursive)}`, 'allowed are enabled, disabled');
}

function tmpfsFromFields(fields: ReadonlyMap<string, string>, destination: string): MountOption {
  refuseKeys(fields, ['source', 'bind-propagation', 'bind-recursive'], 'tmpfs');
  const bytes = fields.get('tmpfs-size');
  const mode = fields.get('tmpfs-mode');
  const words = [
    ...(isReadonly(fields) ? ['ro'] : []),
    ...(bytes === undefined ? [] : [`size=${parseBytes(bytes)}`]),
    ...(mode === undefined ? [] : [`mode=${mode}`]),
  ];
  return tmpfsMount(destination, words);
}

function isReadonly(fields: ReadonlyMap<string, string>): boolean {
  const word = fields.get('readonly');
  return word !== undefined && parseBoolean(word);
}

function refuseKeys(fields: ReadonlyMap<string, string>, keys: readonly string[], type: string): void {
  for (const key of keys) {
    if (fields.has(key)) throw new ValueError(`key ${quote(key)} has no meaning for type=${type}`);
  }
}
