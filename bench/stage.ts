/** What sections have at hand. */
import type { AgentClient } from './agent-client.js';
import type { Floor, FloorMode } from './floor.js';
import type { AgentSize } from './orders.js';
import type { Peer } from './peers.js';
import type { Workspace } from './workspace.js';

export interface Stage {
  readonly quick: boolean;
  readonly peers: readonly Peer[];
  readonly workspace: Workspace;
  /** A bundle of the default profile that every OCI runtime takes, whose program waits. */
  readonly waitBundle: string;
  /** The command line of `tsrun`, as a user of the package gets it. */
  readonly tsrun: readonly string[];
  floor(mode: FloorMode): Floor;
  /** The same one for the same size each time. */
  agent(size?: Partial<AgentSize>): Promise<AgentClient>;
}
