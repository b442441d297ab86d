/** What is measured again and again, and how often. */
import type { AgentClient } from './agent-client.js';
import type { FloorMode } from './floor.js';
import type { RoundsOptions, Subject } from './rounds.js';
import type { Stage } from './stage.js';

export function rounds({ quick }: Stage, count: number): RoundsOptions {
  return quick ? { rounds: Math.max(5, Math.round(count / 10)), warmUp: 3 } : { rounds: count, warmUp: 10 };
}

export function floorSubject(stage: Stage, mode: FloorMode): Subject {
  const floor = stage.floor(mode);
  return { start: async () => ({ [`kernel floor, ${mode}`]: (await floor.run(1)).totalNs }) };
}

export function embeddedSubject(agent: AgentClient, name: string, withExecuted = false): Subject {
  return {
    start: async () => {
      const [toExit = 0, toExecuted = 0] = await agent.start('embedded');
      return { ...(withExecuted ? { [`${name}, to executed`]: toExecuted } : {}), [`${name}, to exit`]: toExit };
    },
  };
}

export function programSubject(agent: AgentClient, name: string): Subject {
  return {
    start: async () => {
      const [duration = 0] = await agent.start(name);
      return { [name]: duration };
    },
  };
}
