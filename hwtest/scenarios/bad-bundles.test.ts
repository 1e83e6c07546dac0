import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { env } from 'node:process';

import { connect } from '@kudurru/agent';
import {
  decodeBundle,
  encodeBundle,
  formatTlogProof,
  parseTlogProof,
  verify,
  type TrustPolicy,
} from '@kudurru/proof';
import { after, before, describe, it } from 'mocha';

import { askControl } from '../backends/control.ts';
import { Scenario, scenarioTimeoutMs, someAction } from './scenario.ts';

/** Every position takes minutes: a nightly run sets this. */
const isNightly = env['KUDURRU_TEST_NIGHTLY'] === '1';
const samples = 300;

describe('bad bundles of a real run', function () {
  this.timeout(isNightly ? 3_600_000 : scenarioTimeoutMs);
  let scenario: Scenario;
  let other: Scenario;
  let bundle: Uint8Array;
  let policy: TrustPolicy;

  before(async () => {
    [scenario, other] = await Promise.all([Scenario.start(), Scenario.start()]);
    bundle = await realBundle(scenario);
    policy = await scenario.policy();
  });
  after(async () => {
    await Promise.all([scenario.end(), other.end()]);
  });

  it('are VALID before anything is done to them', async () => {
    assert.equal((await verify(bundle, policy)).headline, 'VALID (emulated)');
  });

  it('are INVALID cut anywhere', async () => {
    for (const at of positions(bundle.length, 'cut')) {
      const { overall } = await verify(bundle.subarray(0, at), policy);
      assert.equal(overall, 'INVALID', `cut at ${at}`);
    }
  });

  it('are never VALID with any byte flipped', async () => {
    for (const at of positions(bundle.length, 'flip')) {
      const flipped = bundle.slice();
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
      const { overall } = await verify(flipped, policy);
      assert.notEqual(overall, 'VALID', `byte ${at} flipped`);
    }
  });

  it('are INVALID with two entries swapped', async () => {
    const decoded = decodeBundle(bundle);
    const [first, second, ...rest] = decoded.others;
    assert.ok(first !== undefined && second !== undefined);
    const swapped = [{ ...first, entry: second.entry }, { ...second, entry: first.entry }, ...rest];
    const { overall } = await verify(encodeBundle({ ...decoded, others: swapped }), policy);
    assert.equal(overall, 'INVALID');
  });

  it('are not VALID under the trust policy of another ledger', async () => {
    const { overall } = await verify(bundle, await other.policy());
    assert.notEqual(overall, 'VALID');
    assert.notEqual((await verify(await realBundle(other), policy)).overall, 'VALID');
  });

  it('are INVALID with a proof by a checkpoint older than the entry', async () => {
    const decoded = decodeBundle(bundle);
    const proof = parseTlogProof(decoded.proof);
    const { controlSocket } = scenario.appliance;
    const older = await askControl(controlSocket, `/v1/checkpoint?size=${proof.index}`);
    assert.equal(older.status, 200);
    const checkpointBytes = new Uint8Array(older.bytes);
    const aged = { ...decoded, proof: formatTlogProof({ ...proof, checkpointBytes }) };
    assert.equal((await verify(encodeBundle(aged), policy)).overall, 'INVALID');
  });
});

/** Of one action, submitted and anchored now. */
async function realBundle(scenario: Scenario): Promise<Uint8Array> {
  const enrolled = await scenario.enrol('subject');
  await using agent = await connect({ socketPath: scenario.appliance.agentSocket, ...enrolled });
  const { actions } = await agent.submit([someAction('a'), someAction('b')]);
  return scenario.bundle(actions[0].index);
}

/** All positions at night, else some: the same ones in every run over as many bytes. */
function positions(length: number, purpose: string): readonly number[] {
  if (isNightly) return Array.from({ length }, (_, at) => at);
  const chosen = Array.from({ length: samples }, (_, sample) => {
    const digest = createHash('sha256').update(`${purpose} ${sample}`).digest();
    return digest.readUInt32BE() % length;
  });
  return [0, length - 1, ...chosen];
}
