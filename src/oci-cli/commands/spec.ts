import { exampleSpec } from '../example-spec.js';
import type { Command } from '../command.js';
import { asNode, constants, existsSync, writeWhole } from '../platform/fs.js';
import { host } from '../platform/host.js';
import { RuntimeError } from '../runtime-error.js';
import { textOf } from '../words.js';

const name = 'config.json';

export const spec: Command = {
  says: 'write a config.json to start from',
  usage: '',
  flags: {
    bundle: { kind: 'text', short: 'b', says: 'folder of the bundle (default: the current one)' },
    rootless: { kind: 'flag', says: 'for an ordinary user' },
  },
  argumentCount: 0,
  run: (_context, words) => {
    const bundle = textOf(words, 'bundle') ?? '.';
    const path = `${bundle}/${name}`;
    if (existsSync(path)) throw new RuntimeError(`File ${name} exists. Remove it first`);
    const { uid, gid } = host.ids();
    const text = JSON.stringify(exampleSpec(words.flags.has('rootless') ? { uid, gid } : undefined), undefined, '\t');
    const file = asNode(path, () => host.open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o666));
    writeWhole(file, host.encode(text));
    host.close(file);
    return 0;
  },
};
