import { readFileSync } from 'node:fs';
import { connect, jsonBody, loadKey } from '@kudurru/agent';

const [socketPath = '', agentId = '', keyFile = ''] = process.argv.slice(2);
await using agent = await connect({ socketPath, agentId, key: loadKey(readFileSync(keyFile)) });
const base = { actionType: 'interaction', operation: 'mail', coverage: 'self-reported' } as const;
const input = jsonBody({ to: 'ann@example.org', text: 'the report is done' });
const { actions } = await agent.submit([{ kind: 'intent', ...base, private: { input } }]);
// Now, and not before, send the mail; then say how it went.
const outcome = { kind: 'outcome', status: 'success', observedBy: 'agent' } as const;
await agent.submit([{ ...outcome, ...base, intent: actions[0].reference }]);
process.stdout.write(`recorded from index ${actions[0].index}\n`);
