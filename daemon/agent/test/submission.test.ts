import assert from 'node:assert/strict';

import { describe, it } from 'mocha';

import type { Action } from '../src/action.ts';
import { intent, withLedger } from './with-ledger.ts';

const large = (operation: string, sizeBytes: number): Action => ({
  ...intent(operation),
  private: { input: new Uint8Array(sizeBytes).fill(operation.charCodeAt(0)), target: 'somewhere' },
});

describe('submission', () => {
  it('sends a body over 256 KiB ahead of its statement, in chunks', async () => {
    await withLedger(async (server, open) => {
      const agent = await open();
      const receipts = await Promise.all([
        agent.submit([large('a', 262_144), intent('b')]),
        agent.submit([large('c', 600_000), intent('d'), large('e', 262_145)]),
        agent.submit([intent('f')]),
      ]);
      assert.deepEqual(
        receipts.map(({ actions }) => actions[0].reference.sequence),
        [0n, 2n, 5n],
      );
      assert.equal(server.chunks, 3 + 2);
    });
  });

  it('sends the chunks again when the connection was lost among them', async () => {
    await withLedger(async (server, open) => {
      const agent = await open();
      server.dropAtChunk = 2;
      const receipts = await Promise.all([
        agent.submit([large('a', 600_000)]),
        agent.submit([intent('b')]),
      ]);
      assert.equal(receipts[1].actions[0].reference.sequence, 1n);
      assert.equal(server.chunks, 2 + 3);
    });
  });

  it('sends no chunk again of what the ledger has', async () => {
    await withLedger(async (server, open) => {
      const agent = await open();
      server.fate = (_, at) => (at === 0 ? 'commit-and-drop' : 'commit');
      await Promise.all([agent.submit([large('a', 600_000)]), agent.submit([large('b', 600_000)])]);
      assert.equal(server.submissions.length, 3);
      assert.equal(server.chunks, 3 + 3);
    });
  });

  it('refuses to send what the ledger would not take, and says what to do', async () => {
    await withLedger(async (server, open) => {
      const agent = await open();
      await assert.rejects(
        agent.submit([large('a', 16_777_217)]),
        /16777217 bytes .* takes 16777216; deposit: false/,
      );
      await assert.rejects(
        agent.submit(Array.from({ length: 17 }, (_, at) => large(`${at}`, 262_145))),
        /17 bodies over 262144 bytes, and a submission has at most 16/,
      );
      assert.equal(server.submissions.length + server.chunks, 0);
    });
  });
});
