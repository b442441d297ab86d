import type { Command } from '../command.js';
import { describeFeatures } from '../describe-features.js';
import { print } from '../log.js';

export const features: Command = {
  says: 'print what tsrun-oci can do here, as features.md of the runtime-spec has it',
  usage: '',
  flags: {},
  argumentCount: 0,
  run: () => {
    print(1, `${JSON.stringify(describeFeatures(), undefined, '    ')}\n`);
    return 0;
  },
};
