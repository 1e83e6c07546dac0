import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { connect, type Action, type Agent } from '@kudurru/agent';
import { commitmentDigest, decodeBundle } from '@kudurru/proof';
import { after, before, describe, it } from 'mocha';

import { Appliance, type RunningDaemon } from '../../../hwtest/backends/appliance.ts';
import { askControl, askJson, enrolAgent } from '../../../hwtest/backends/control.ts';
import type { StatusView } from '../../src/control/views.ts';

/** A start makes keys in a software TPM; a loaded machine takes its time. */
const timeoutMs = 180_000;

/** Bytes in the frame, just too long for it, and as long as may be. */
const sizes = [262_144, 262_145, 16_777_216];

const bytesOf = (size: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, at) => (at * 7 + (at >> 8) + size) & 0xff);

const actionOf = (size: number): Action => ({
  kind: 'observation',
  actionType: 'tool-call',
  operation: `read ${size}`,
  coverage: 'self-reported',
  private: { output: bytesOf(size) },
});

describe('held body', function () {
  this.timeout(timeoutMs);
  let folder = '';
  let appliance: Appliance;
  let daemon: RunningDaemon;
  let agent: Agent;
  let indexes: readonly bigint[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-bodies-'));
    appliance = await Appliance.prepare(join(folder, 'state'));
    daemon = await appliance.start();
    const enrolled = await enrolAgent(appliance.controlSocket, 'reader');
    agent = await connect({ socketPath: appliance.agentSocket, ...enrolled });
    const receipt = await agent.submit(sizes.map(actionOf));
    indexes = receipt.actions.map(({ index }) => index);
  });
  after(async () => {
    agent.destroy();
    await appliance.stop();
    rmSync(folder, { recursive: true });
  });

  const pathOf = (index: bigint, field: string): string => `/v1/entries/${index}/bodies/${field}`;

  async function requireAll(): Promise<void> {
    for (const [at, size] of sizes.entries()) {
      const answer = await askControl(appliance.controlSocket, pathOf(indexes[at] ?? 0n, 'output'));
      const [salt, bytes] = [answer.bytes.subarray(0, 32), answer.bytes.subarray(32)];
      assert.equal(Buffer.compare(bytes, bytesOf(size)), 0);
      const digest = commitmentDigest({ field: 'output', salt, bytes });
      const entry = await askJson<object>(appliance.controlSocket, `/v1/entries/${indexes[at]}`);
      assert.ok(JSON.stringify(entry).includes(Buffer.from(digest).toString('hex')));
    }
  }

  it('is what was submitted, whatever its size', async () => {
    await requireAll();
    const { unnamedChunkBytes } = await askJson<StatusView>(appliance.controlSocket, '/v1/status');
    assert.equal(unnamedChunkBytes, 0);
  });

  it('is in a bundle only where it is short', async () => {
    const shown = [];
    for (const index of indexes) {
      const { bytes } = await askControl(appliance.controlSocket, '/v1/bundles', {
        index: Number(index),
        disclose: true,
      });
      shown.push(decodeBundle(new Uint8Array(bytes)).disclosures.length);
    }
    assert.deepEqual(shown, [1, 0, 0]);
  });

  it('is not there under another name, and the refusal says why', async () => {
    const { size } = await askJson<StatusView>(appliance.controlSocket, '/v1/status');
    for (const [path, why] of [
      [pathOf(indexes[0] ?? 0n, 'input'), /commits to no such field/u],
      [pathOf(0n, 'output'), /commits to no such field/u],
      [pathOf(BigInt(size) + 9n, 'output'), /the ledger has/u],
    ] as const) {
      const { bytes } = await askControl(appliance.controlSocket, path);
      assert.match(bytes.toString(), /not-found/u);
      assert.match(bytes.toString(), why);
    }
  });

  it('is there after a kill', async () => {
    await daemon.kill();
    daemon = await appliance.start();
    await requireAll();
    const receipt = await agent.submit([actionOf(600_000)]);
    const answer = await askControl(
      appliance.controlSocket,
      pathOf(receipt.actions[0].index, 'output'),
    );
    assert.equal(Buffer.compare(answer.bytes.subarray(32), bytesOf(600_000)), 0);
  });
});
