/** Agents of a test and their ledger, which is gone when the test is. */
import { jsonBody, type Action } from '../src/action.ts';
import { connect, type Agent } from '../src/agent.ts';
import { AgentError } from '../src/agent-error.ts';
import { generateKey } from '../src/key.ts';
import type { ConnectOptions } from '../src/options.ts';
import { LedgerServer } from './ledger-server.ts';

export const key = generateKey();
export const agentId = 'spiffe://test.example/agent/one';

export const intent = (operation: string): Action => ({
  kind: 'intent',
  actionType: 'tool-call',
  operation,
  coverage: 'self-reported',
  private: { input: jsonBody({ operation }), target: 'somewhere' },
});

export async function withLedger(
  run: (
    server: LedgerServer,
    open: (extra?: Partial<ConnectOptions>) => Promise<Agent>,
  ) => Promise<void>,
): Promise<void> {
  await using server = new LedgerServer(key.publicKey);
  await server.listen();
  const agents: Agent[] = [];
  const open = async (extra: Partial<ConnectOptions> = {}): Promise<Agent> => {
    const agent = await connect({ socketPath: server.socketPath, agentId, key, ...extra });
    agents.push(agent);
    return agent;
  };
  try {
    await run(server, open);
  } finally {
    // Dropping the agents' own sockets: a test that failed midway must not keep the process.
    await server.stop();
    for (const agent of agents) agent.destroy();
  }
}

export const codeOf = (code: string) => (error: unknown) =>
  error instanceof AgentError && error.code === code;
