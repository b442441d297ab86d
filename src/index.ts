/** The public API: exports only. The command lines import nothing else, so they prove that it is enough. */

export { SetupError, TsrunError, nearest } from './spec/errors.js';
export type { ErrorCode, ErrorDetails, SetupErrorDetails } from './spec/errors.js';
export { capabilityNames, readCapability, type CapabilityName } from './spec/capabilities.js';
export { isContainerId, parseId } from './spec/ids.js';
export { parseJsonBytes, type JsonObject, type JsonValue } from './spec/json.js';
export { readRlimit, rlimitNames, type RlimitName } from './spec/rlimits.js';
export { parseSignal, signalName } from './spec/signals.js';
export { parseSize } from './spec/size.js';
export type * from './spec/types.js';
export type * from './spec/extensions.js';
export type {
  DeviceOption,
  MountOption,
  NamespaceChoice,
  RunOptions,
  Size,
  StdioChoice,
} from './container/options.js';
