/** `kudurru agent list`. */
import { PLACE_OPTIONS, type Command } from '../command.ts';
import { ControlClient } from '../control-client.ts';
import { EXIT } from '../exit-code.ts';

export interface EnrolledAgent {
  readonly index: number;
  readonly agentId: string;
  readonly name: string;
  readonly owner: string;
  readonly purpose: string;
  readonly algorithm: string;
  readonly keyId: string;
  readonly enrolledByUid: number;
  readonly enrolledAtTaiNs: string;
  readonly enrolledAt: string;
  readonly openSessions: number;
}

export const agentList: Command = {
  words: ['agent', 'list'],
  summary: 'list the enrolled agents',
  synopsis: ['[--state DIR] [--json]'],
  description: ['Prints a line for each agent of this ledger, in the order of their enrolment.'],
  options: PLACE_OPTIONS,
  exits: [[EXIT.foundBad, 'the daemon refused']],
  examples: [['All agents', 'kudurru agent list']],
  async run(invocation) {
    invocation.take();
    const client = new ControlClient(invocation.locations().controlSocket);
    const { agents } = await client.get<{ agents: readonly EnrolledAgent[] }>('/v1/agents');
    if (invocation.isJson) invocation.terminal.printJson(agents);
    else if (agents.length === 0) invocation.terminal.say('no agent is enrolled');
    else {
      invocation.terminal.printTable(
        ['NAME', 'OWNER', 'KEY', 'ENROLLED', 'SESSIONS'],
        agents.map((agent) => [
          agent.name,
          agent.owner,
          `${agent.algorithm} ${agent.keyId.slice(0, 12)}`,
          agent.enrolledAt,
          String(agent.openSessions),
        ]),
      );
    }
    return EXIT.good;
  },
};
