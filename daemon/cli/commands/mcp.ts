/** `kudurru mcp -- COMMAND…`: the recording proxy, in place of an MCP server on stdio. */
import { AgentError, connect, type Agent } from '@kudurru/agent';

import { EXIT_NOT_EXECUTABLE, EXIT_NOT_FOUND, runProxy } from '../../bridges/mcp/proxy.ts';
import { IDENTITY_OPTIONS, identityOf, wholeAgentId } from '../agent-identity.ts';
import { PLACE_OPTIONS, type Command } from '../command.ts';
import { EXIT, wrongUse } from '../exit-code.ts';

/** A restart of the daemon takes seconds; MCP clients give up after a minute. */
const WAIT_SECONDS_DEFAULT = 20;

export const mcp: Command = {
  words: ['mcp'],
  summary: 'record all that an MCP client has a server do',
  synopsis: ['--agent NAME --key FILE [--state DIR] -- COMMAND [ARGUMENT]…'],
  description: [
    'Starts COMMAND, an MCP server on stdio, and stands between it and the client: put it ' +
      "into the client's configuration in place of COMMAND. Every line is handed on as it " +
      'is, byte for byte.',
    'Each request that may have effects (tools/call, resources/read, prompts/get, ' +
      'sampling, elicitation, and every method that is not known to only ask) is an intent, ' +
      'committed in the ledger before it is handed on; its answer is an outcome, committed ' +
      'before the client sees it. Coverage is "mediated": the proxy saw the bytes.',
    'It fails closed. A call that cannot be recorded is answered with the JSON-RPC error ' +
      '-32001 and not handed on; an answer that cannot be recorded is replaced by an error ' +
      'that says that the effect may have happened. A line that cannot be read is dropped, ' +
      'with a word on stderr. Of bodies over 16 MiB only the commitment is recorded.',
    'Hints of the server (readOnlyHint, destructiveHint) become side effect and reversibility; ' +
      'they are its own claims. What the agent does besides this server is not seen.',
  ],
  options: [
    {
      name: 'wait',
      value: 'SECONDS',
      meaning: `how long a call waits for a daemon that is away (${WAIT_SECONDS_DEFAULT})`,
    },
    ...IDENTITY_OPTIONS,
    ...PLACE_OPTIONS,
  ],
  exits: [
    [EXIT.foundBad, 'the daemon refused the agent; otherwise the exit status of COMMAND'],
    [EXIT_NOT_EXECUTABLE, 'COMMAND cannot be run'],
    [EXIT_NOT_FOUND, 'COMMAND was not found'],
  ],
  examples: [
    [
      'A file server whose every call is recorded',
      'kudurru mcp --agent research-1 --key research-1.pem -- mcp-server-filesystem ./reports',
    ],
  ],
  async run(invocation) {
    const [command, ...parameters] = invocation.positionals;
    if (command === undefined) throw wrongUse('COMMAND is missing', 'kudurru mcp … -- COMMAND');
    const { agentSocket, controlSocket } = invocation.locations();
    const { agent: name, key } = identityOf(invocation);
    const agentId = await wholeAgentId(name, controlSocket);
    const reconnectTimeoutMs = 1000 * (invocation.integer('wait') ?? WAIT_SECONDS_DEFAULT);
    const say = (line: string): void => invocation.terminal.say(`mcp: ${line}`);
    const agent = await connect({
      ...{ socketPath: agentSocket, agentId, key },
      ...{ client: 'kudurru mcp', reconnectTimeoutMs },
    });
    try {
      return await runProxy({
        ...{ command, parameters, ledger: agent, say },
        ...{ input: process.stdin, output: process.stdout, signals: process },
      });
    } finally {
      await closeSession(agent, say);
    }
  },
};

/** The exit status is the server's: a ledger that is not there at the end does not change it. */
async function closeSession(agent: Agent, say: (line: string) => void): Promise<void> {
  try {
    await agent.close();
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    say(`session not closed: ${error.message}`);
  } finally {
    agent.destroy();
  }
}
