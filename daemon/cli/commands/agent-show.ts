/** `kudurru agent show`. */
import { PLACE_OPTIONS, type Command } from '../command.ts';
import { ControlClient } from '../control-client.ts';
import { EXIT } from '../exit-code.ts';
import type { Terminal } from '../terminal.ts';
import type { EnrolledAgent } from './agent-list.ts';

export const agentShow: Command = {
  words: ['agent', 'show'],
  summary: 'show one enrolled agent',
  synopsis: ['NAME [--state DIR] [--json]'],
  description: ['Prints all that the enrolment of the agent NAME says, and who enrolled it.'],
  options: PLACE_OPTIONS,
  exits: [[EXIT.foundBad, 'no agent of this name is enrolled']],
  examples: [['One agent', 'kudurru agent show research-1']],
  async run(invocation) {
    const [name = ''] = invocation.take('NAME');
    const client = new ControlClient(invocation.locations().controlSocket);
    const agent = await client.get<EnrolledAgent>(`/v1/agents/${encodeURIComponent(name)}`);
    if (invocation.isJson) invocation.terminal.printJson(agent);
    else printAgent(invocation.terminal, agent);
    return EXIT.good;
  },
};

export function printAgent(terminal: Terminal, agent: EnrolledAgent): void {
  terminal.printFacts([
    ['agent', agent.agentId],
    ['owner', agent.owner],
    ['purpose', agent.purpose],
    ['key', `${agent.algorithm} ${agent.keyId}`],
    ['enrolled', `${agent.enrolledAt}, by uid ${agent.enrolledByUid}, entry ${agent.index}`],
    ['sessions', `${agent.openSessions} open`],
  ]);
}
