import type { Command } from '../command.js';
import { RuntimeError } from '../runtime-error.js';

function absent(name: string, says: string): Command {
  return {
    says: `${says} (not there yet)`,
    usage: '<container-id>',
    flags: {},
    argumentCount: { least: 0, most: Infinity },
    anyWords: true,
    run: () => {
      throw new RuntimeError(`${name} is not there yet: tsrun-oci has no support for CRIU`);
    },
  };
}

export const checkpoint = absent('checkpoint', 'checkpoint a running container');
export const restore = absent('restore', 'restore a container from a previous checkpoint');
