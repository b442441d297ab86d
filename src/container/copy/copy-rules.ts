/** Where a copy goes and what it is called there: docker's table, without a look at any file. */
import { posix } from 'node:path';
import { TsrunError } from '../../spec/errors.js';
import { printable } from '../../spec/quote.js';

/** A path as it was typed, taken apart. */
export interface CopyPath {
  /** Without `.`, double slashes, and a slash at its end. */
  readonly path: string;
  /** It ends with `/.`: the contents of the folder are meant. */
  readonly isContents: boolean;
  /** It ends with a slash or `/.`: it has to be a folder. */
  readonly isFolder: boolean;
}

/** @param base what a path that is not absolute starts at */
export function parseCopyPath(text: string, base = '/'): CopyPath {
  const isContents = /(?:^|\/)\.$/.test(text);
  // As docker does, by the text alone: `a/..` is where `a` lies, also where it is a link.
  const path = posix.resolve(base, text);
  return { path, isContents: isContents || path === '/', isFolder: isContents || text.endsWith('/') || path === '/' };
}

export interface Source {
  /** The last part of its path; empty where there is none. */
  readonly name: string;
  readonly kind: 'folder' | 'other';
  readonly isContents: boolean;
}

export interface Destination {
  /** For errors. */
  readonly shown: string;
  readonly kind: 'folder' | 'other' | 'missing';
  /** Of what is missing: what it would lie in. */
  readonly parent: 'folder' | 'missing' | 'other';
  readonly isFolder: boolean;
  /** The link that led there. */
  readonly link?: string;
}

/** `into`: below the destination, as `name` (empty: the contents of the source alone); `as`: in its place. */
export type Target = { readonly way: 'into'; readonly name: string } | { readonly way: 'as' };

/** @throws ERR_TSRUN_COPY */
export function targetOf({ name, kind, isContents }: Source, destination: Destination): Target {
  const { shown, parent, isFolder, link } = destination;
  const led = link === undefined ? '' : `, where the link '${printable(link, 400)}' leads`;
  if (destination.kind === 'folder') return { way: 'into', name: isContents ? '' : name };
  if (destination.kind === 'other') {
    if (kind === 'folder') throw refusal(`a folder cannot be copied over '${printable(shown, 400)}', which is none`, 'name a folder, or what is not there yet');
    if (isFolder) throw refusal(`'${printable(shown, 400)}' is no folder`, 'leave the slash at its end out to replace it');
    return { way: 'as' };
  }
  if (parent !== 'folder') throw refusal(`there is no folder '${printable(posix.dirname(shown), 400)}' to copy into${led}`, 'make it first: no folder is made on the way');
  if (kind !== 'folder' && isFolder) throw refusal(`there is no folder '${printable(shown, 400)}' to copy into${led}`, 'make it first, or leave the slash at its end out for a file of that name');
  return { way: 'as' };
}

/** @param isFolder it was asked for with a slash at its end, else by following links */
export function linkToNothing(what: string, target: string, isFolder: boolean): TsrunError {
  return refusal(`${what} is a link that leads nowhere: '${printable(target, 400)}'`, isFolder ? 'without the slash at its end the link itself is copied' : 'without --follow-link the link itself is copied');
}

export function circle(what: string): TsrunError {
  return refusal(`the links at ${what} go in a circle`);
}

export function refusal(message: string, hint?: string): TsrunError {
  return new TsrunError('ERR_TSRUN_COPY', message, { hint });
}
