import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { encodeHex, type CborArray } from '@kudurru/proof';
import { describe, it } from 'mocha';

import { connect, type Agent } from '../src/agent.ts';
import { agentId, codeOf, intent, key, withLedger } from './with-ledger.ts';

describe('agent', () => {
  it('gives each action its place, its name and its salts', async () => {
    await withLedger(async (server, open) => {
      const agent = await open();
      const receipt = await agent.submit([intent('a'), intent('b')]);
      assert.deepEqual(
        receipt.actions.map(({ index }) => index),
        [receipt.statementIndex + 1n, receipt.statementIndex + 2n],
      );
      assert.deepEqual(
        receipt.actions.map(({ reference }) => reference.sequence),
        [0n, 1n],
      );
      assert.deepEqual(receipt.actions[0]?.reference.session, agent.sessionId);
      const salts = receipt.actions.flatMap((one) => [...one.salts.values()].map(encodeHex));
      assert.equal(new Set(salts).size, 4);
      assert.equal(receipt.treeSize, BigInt(server.entries.length));
      assert.equal(receipt.anchored, null);
    });
  });

  it('sends in the order of the calls, with no more in flight than allowed', async () => {
    await withLedger(async (server, open) => {
      const agent = await open();
      const names = Array.from({ length: 40 }, (_, at) => `op-${at}`);
      const receipts = await Promise.all(names.map((name) => agent.submit([intent(name)])));
      assert.deepEqual(
        receipts.map(({ actions }) => actions[0]?.reference.sequence),
        names.map((_, at) => BigInt(at)),
      );
      assert.equal(server.outstandingMax, server.limits[3]);
    });
  });

  it('hands on a refusal with the code of the ledger, and signs what followed anew', async () => {
    await withLedger(async (server, open) => {
      const agent = await open();
      server.fate = (_, at) => (at === 1 ? 'refuse' : 'commit');
      const [first, second, third, fourth] = await Promise.allSettled(
        ['a', 'b', 'c', 'd'].map((name) => agent.submit([intent(name)])),
      );
      assert.equal(first?.status, 'fulfilled');
      assert.ok(second?.status === 'rejected' && codeOf('not-today')(second.reason));
      assert.equal(second.reason.source, 'ledger');
      assert.ok(third?.status === 'fulfilled' && fourth?.status === 'fulfilled');
      assert.equal(third.value.actions[0]?.reference.sequence, 1n);
      assert.equal(fourth.value.actions[0]?.reference.sequence, 2n);
    });
  });

  for (const fate of ['drop', 'commit-and-drop'] as const) {
    it(`sends the same bytes again when the connection was lost (${fate})`, async () => {
      await withLedger(async (server, open) => {
        const agent = await open();
        server.fate = (_, at) => (at === 0 ? fate : 'commit');
        const receipts = await Promise.all([
          agent.submit([intent('a')]),
          agent.submit([intent('b')]),
        ]);
        const [first, ...later] = server.submissions;
        assert.ok(later.some((bytes) => Buffer.compare(bytes, first ?? bytes) === 0));
        assert.deepEqual(
          receipts.map(({ actions }) => actions[0]?.reference.sequence),
          [0n, 1n],
        );
        assert.equal(server.sessions.size, 1);
        const statements = server.entries.filter((entry) => entry[2] === 6);
        assert.equal(statements.length, 2);
      });
    });
  }

  it('takes its session up again after a restart, when there is something to say', async () => {
    await withLedger(async (server, open) => {
      const agent = await open();
      await agent.submit([intent('a')]);
      await server.stop();
      await server.listen();
      const receipt = await agent.submit([intent('b')]);
      assert.equal(receipt.actions[0]?.reference.sequence, 1n);
      assert.equal(server.sessions.size, 1);
    });
  });

  it('says what is not known when the session is lost, and opens another', async () => {
    await withLedger(async (server, open) => {
      const agent = await open();
      server.resumes = false;
      server.fate = (_, at) => (at === 0 ? 'drop' : 'commit');
      server.limits = [4_194_304, 1024, 262_144, 1];
      const before = agent.sessionId;
      await assert.rejects(agent.submit([intent('a')]), codeOf('session-lost'));
      const receipt = await agent.submit([intent('b')]);
      assert.equal(receipt.actions[0]?.reference.sequence, 0n);
      assert.notDeepEqual(agent.sessionId, before);
    });
  });

  it('gives up after its time, and takes the session up when the ledger is back', async () => {
    await withLedger(async (server, open) => {
      const agent = await open({ reconnectTimeoutMs: 0 });
      await agent.submit([intent('a')]);
      await server.stop();
      await assert.rejects(agent.submit([intent('b')]), codeOf('ledger-unreachable'));
      await server.listen();
      const receipt = await agent.submit([intent('c')]);
      assert.equal(receipt.actions[0]?.reference.sequence, 1n);
    });
  });

  it('accepts either place for a statement it gave up, and no other', async () => {
    for (const fate of ['drop', 'commit-and-drop'] as const) {
      await withLedger(async (server, open) => {
        const agent = await open({ reconnectTimeoutMs: 0 });
        server.fate = () => {
          void server.stop();
          return fate;
        };
        await assert.rejects(agent.submit([intent('a')]), codeOf('ledger-unreachable'));
        server.fate = () => 'commit';
        await server.stop();
        await server.listen();
        const receipt = await agent.submit([intent('b')]);
        const expected = fate === 'drop' ? 0n : 1n;
        assert.equal(receipt.actions[0]?.reference.sequence, expected);
      });
    }
  });

  it('does not believe a ledger that took back what it had committed', async () => {
    await withLedger(async (server, open) => {
      const agent = await open();
      await agent.submit([intent('a')]);
      await agent.submit([intent('b')]);
      server.resumeHead = () => ({ nextSequence: 1n });
      server.dropAll();
      await server.stop();
      await server.listen();
      await assert.rejects(agent.submit([intent('c')]), codeOf('ledger-inconsistent'));
      await assert.rejects(agent.submit([intent('d')]), codeOf('ledger-inconsistent'));
    });
  });

  it('does not believe another receipt for the same statement', async () => {
    await withLedger(async (server, open) => {
      const agent = await open();
      server.alterAnchored = () => null;
      server.alterRepeated = ([sequence = null, receipt, time = null]) => {
        const [index, count = null, size, root = null] = receipt as CborArray;
        return [sequence, [(index as bigint) + 1n, count, (size as bigint) + 1n, root], time];
      };
      const onCommitted = (): void => server.dropAll();
      await assert.rejects(
        agent.submit([intent('a')], { level: 'anchored', onCommitted }),
        codeOf('ledger-inconsistent'),
      );
    });
  });

  it('refuses another ledger on the same socket', async () => {
    await withLedger(async (server, open) => {
      const agent = await open();
      server.ledgerId = new Uint8Array(32).fill(9);
      await server.stop();
      await server.listen();
      await assert.rejects(agent.submit([intent('a')]), codeOf('ledger-changed'));
    });
  });

  it('refuses what the ledger would refuse, before anything is sent', async () => {
    await withLedger(async (server, open) => {
      server.limits = [4096, 3, 100, 4];
      const agent = await open();
      const invalid = codeOf('submission-invalid');
      await assert.rejects(agent.submit([]), invalid);
      await assert.rejects(agent.submit(Array.from({ length: 4 }, () => intent('a'))), invalid);
      await assert.rejects(
        agent.submit([{ ...intent('a'), private: { input: new Uint8Array(101) } }]),
        invalid,
      );
      await assert.rejects(agent.submit([{ ...intent('a'), private: { input: '' } }]), invalid);
      await assert.rejects(agent.submit([intent('')]), invalid);
      await assert.rejects(agent.submit([{ ...intent('a'), status: 'success' }]), invalid);
      assert.equal(server.submissions.length, 0);
    });
  });

  it('commits to a body it keeps, whatever its size', async () => {
    await withLedger(async (server, open) => {
      const agent = await open();
      const bytes = new Uint8Array(300_000);
      const input = { bytes, mediaType: null, deposit: false };
      await agent.submit([{ ...intent('a'), private: { input } }]);
      assert.ok((server.submissions[0]?.length ?? bytes.length) < 1000);
    });
  });

  it('checks the anchored receipt, and keeps the newest one in its file', async () => {
    await withLedger(async (server, open) => {
      const receiptFile = join(server.folder, 'receipt');
      const agent = await open({ receiptFile });
      let committedIndex = -1n;
      const receipt = await agent.submit([intent('a')], {
        level: 'anchored',
        onCommitted: (committed) => {
          committedIndex = committed.statementIndex;
        },
      });
      assert.equal(committedIndex, receipt.statementIndex);
      assert.equal(receipt.anchored?.statement.index, receipt.statementIndex);
      assert.equal(receipt.anchored?.isSignatureChecked, false);
      const kept = readFileSync(receiptFile);
      assert.deepEqual(new Uint8Array(kept), receipt.anchored?.bytes);
      const second = await agent.submit([intent('b')], { level: 'anchored' });
      assert.ok((second.anchored?.head.size ?? 0n) > (receipt.anchored?.head.size ?? 0n));
      assert.equal(agent.newestAnchored, second.anchored);
      const again = await open({ receiptFile });
      assert.deepEqual(again.newestAnchored?.bytes, second.anchored?.bytes);
    });
  });

  it('does not believe an anchored receipt with any part changed', async () => {
    const flip = (bytes: Uint8Array): Uint8Array => bytes.with(bytes.length - 1, 0x7e);
    const changes: ((receipt: CborArray) => CborArray)[] = [
      ([, anchor = null, statement = null, path = null]) => {
        const note = new TextEncoder().encode('other\n1\nAAAA\n\n— x AAAAAAA=\n');
        return [note, anchor, statement, path];
      },
      ([note = null, anchor, statement = null, path = null]) => {
        const [index = null, entry, proof = null] = anchor as CborArray;
        return [note, [index, flip(entry as Uint8Array), proof], statement, path];
      },
      ([note = null, anchor = null, statement, path = null]) => {
        const [index = null, entry, proof = null] = statement as CborArray;
        return [note, anchor, [index, flip(entry as Uint8Array), proof], path];
      },
      ([note = null, anchor = null, , path = null]) => [note, anchor, anchor, path],
      ([note = null, anchor = null, statement = null]) => [note, anchor, statement, []],
    ];
    for (const change of changes) {
      await withLedger(async (server, open) => {
        const receiptFile = join(server.folder, 'receipt');
        const agent = await open({ receiptFile });
        server.alterAnchored = change;
        await assert.rejects(
          agent.submit([intent('a')], { level: 'anchored' }),
          (error) => codeOf('ledger-inconsistent')(error) || codeOf('protocol-violation')(error),
        );
        assert.ok(!existsSync(receiptFile));
      });
    }
  });

  it('tells why there is no ledger', async () => {
    const open = (socketPath: string): Promise<Agent> => connect({ socketPath, agentId, key });
    await assert.rejects(open('/nowhere/agent.sock'), codeOf('ledger-unreachable'));
    await assert.rejects(open(`/${'x'.repeat(108)}`), /longer than the 107 bytes/);
  });

  it('ends with a typed error on frames that are none', async () => {
    const wrong = [
      [0, 0, 0, 0],
      [0, 0, 0, 1, 0x83],
      [255, 255, 255, 255],
      [0, 0, 0, 2, 0x83, 0xff],
    ];
    for (const bytes of wrong) {
      await withLedger(async (server, open) => {
        const agent = await open();
        server.fate = () => {
          server.sendRaw(Uint8Array.from(bytes));
          return 'hold';
        };
        await assert.rejects(agent.submit([intent('a')]), codeOf('protocol-violation'));
      });
    }
  });

  it('closes its session with the number of its actions', async () => {
    await withLedger(async (_, open) => {
      const agent = await open();
      void agent.submit([intent('a'), intent('b')]);
      assert.equal(await agent.close(), 2);
      await assert.rejects(agent.submit([intent('c')]), codeOf('agent-closed'));
    });
  });

  it('puts only public fields and commitments into the envelope', async () => {
    await withLedger(async (server, open) => {
      const agent = await open();
      await agent.submit([{ ...intent('a'), private: { input: 'the secret words' } }]);
      const entry = Buffer.from(server.entries.at(-1) ?? []);
      assert.equal(entry.includes('the secret words'), false);
      const payload = Buffer.from(server.submissions[0] ?? []);
      assert.equal(payload.includes('the secret words'), true);
    });
  });
});
