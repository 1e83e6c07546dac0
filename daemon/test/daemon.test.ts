import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { after, before, describe, it } from 'mocha';
import { connect, generateKey, jsonBody, type Action, type Agent } from '@kudurru/agent';
import {
  decodeBase64,
  decodeEntry,
  parseCheckpoint,
  parseVerifierKey,
  trustPolicyFromJson,
  verifyNote,
  type Entry,
  type Json,
} from '@kudurru/proof';

import { startDeviceHelper } from '../devices/client.ts';
import { Appliance, type DaemonEnd, type RunningDaemon } from '../../hwtest/backends/appliance.ts';
import {
  askControl,
  askJson,
  enrolAgent,
  type EnrolledAgent,
} from '../../hwtest/backends/control.ts';
import { startSwtpm, type RunningSwtpm } from '../../hwtest/backends/swtpm.ts';
import type { StatusView } from '../src/control/views.ts';

/** A start makes keys in a software TPM; a loaded machine takes its time. */
const timeoutMs = 180_000;

const action: Action = {
  kind: 'observation',
  actionType: 'tool-call',
  operation: 'tools/call',
  coverage: 'self-reported',
  private: { input: jsonBody({ path: '/tmp/a' }) },
};

describe('daemon', function () {
  this.timeout(timeoutMs);
  let folder = '';
  let appliance: Appliance;
  let enrolled: EnrolledAgent;
  let agent: Agent;
  let daemon: RunningDaemon;
  let otherTpm: RunningSwtpm | null = null;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-daemon-'));
    appliance = await Appliance.prepare(join(folder, 'state'));
    daemon = await appliance.start();
    enrolled = await enrolAgent(appliance.controlSocket, 'builder');
    agent = await connect({ socketPath: appliance.agentSocket, ...enrolled });
  });
  after(async () => {
    agent.destroy();
    await appliance.stop();
    await otherTpm?.stop();
    rmSync(folder, { recursive: true });
  });

  it('begins with genesis, boot and a counter-anchor', async () => {
    const kinds = [];
    for (let index = 0; index < 3; index++) kinds.push((await entryAt(index)).kind);
    assert.deepEqual(kinds, ['genesis', 'boot', 'counter-anchor']);
    const { anchor, devices, state } = await status();
    assert.equal(state, 'running');
    assert.equal(anchor.index, 2);
    assert.deepEqual(
      devices.map(({ label }) => label),
      ['emulated', 'emulated'],
    );
  });

  it('commits what an agent submits, and anchors it for who waits', async () => {
    const { actions, anchored, statementIndex } = await agent.submit([action, action], {
      level: 'anchored',
    });
    assert.deepEqual(
      actions.map(({ index }) => index - statementIndex),
      [1n, 2n],
    );
    assert.ok(anchored !== null);
    const entry = await entryAt(Number(actions[0].index));
    assert.ok(entry.kind === 'action' && entry.decision.verdict === 'none');
  });

  it('signs a checkpoint of the whole tree with the key of its trust policy', async () => {
    const policy = trustPolicyFromJson(
      await askJson<Json>(appliance.controlSocket, '/v1/trust-policy'),
    );
    const { bytes } = await askControl(appliance.controlSocket, '/v1/checkpoint');
    const checkpoint = parseCheckpoint(new Uint8Array(bytes));
    assert.equal(checkpoint.origin, policy.origin);
    assert.equal(verifyNote(checkpoint.note, parseVerifierKey(policy.logKey)), 'valid');
    assert.ok(checkpoint.size <= BigInt((await status()).size));
  });

  it('refuses what is asked wrongly, with a code', async () => {
    const codes = [];
    for (const path of ['/v1/entries/999999', '/v1/checkpoint?size=999999', '/v1/search?x=1']) {
      const { bytes } = await askControl(appliance.controlSocket, path);
      codes.push((JSON.parse(bytes.toString()) as { code: string }).code);
    }
    assert.deepEqual(codes, ['not-found', 'not-found', 'request-malformed']);
    await assert.rejects(enrolAgent(appliance.controlSocket, 'builder'), /agent-exists/u);
  });

  it('lets nobody else use the state folder', async () => {
    const second = appliance.launch();
    await assert.rejects(second.ready, /state-folder-locked/u);
    assert.equal((await second.ended).code, 1);
  });

  it('opens no session for a key that is not enrolled', async () => {
    const socketPath = appliance.agentSocket;
    const stranger = connect({ socketPath, agentId: enrolled.agentId, key: generateKey() });
    await assert.rejects(stranger, { code: 'key-mismatch' });
    const nobody = connect({ socketPath, ...enrolled, agentId: `${enrolled.agentId}-2` });
    await assert.rejects(nobody, { code: 'agent-unknown' });
  });

  it('stops in order, and lets the same process take its session up again', async () => {
    const before = agent.sessionId;
    const { sessions } = await status();
    assert.deepEqual(await restart((daemon) => daemon.stop()), { code: 0, signal: null });
    const receipt = await agent.submit([action]);
    assert.deepEqual(agent.sessionId, before);
    assert.equal((await status()).sessions, sessions);
    assert.ok(receipt.statementIndex > 0n);
    assert.deepEqual(await newest('unclean-start'), []);
    assert.equal((await newest('stop')).length, 1);
    const [summary] = await newest('refusal-summary');
    assert.ok(summary?.kind === 'refusal-summary');
    assert.deepEqual(summary.refusals, [
      { code: 'agent-unknown', count: 1 },
      { code: 'key-mismatch', count: 1 },
    ]);
  });

  it('recovers from a kill, and says what may be missing', async () => {
    const { statementIndex } = await agent.submit([action]);
    const killed = await restart((daemon) => daemon.kill());
    assert.equal(killed.signal, 'SIGKILL');
    assert.equal((await entryAt(Number(statementIndex))).kind, 'statement');
    const [unclean] = await newest('unclean-start');
    assert.ok(unclean?.kind === 'unclean-start' && unclean.treeSize > statementIndex);
    await agent.submit([action]);
  });

  it('goes on without its TPM, raises one alarm, and catches up', async () => {
    await appliance.devices.tpm.stop();
    const { statementIndex } = await agent.submit([action]);
    await until(async () => (await newest('alarm')).length === 1);
    assert.ok(BigInt((await status()).anchor.size) <= statementIndex);
    otherTpm = await startSwtpm(join(appliance.state, 'devices'));
    await until(async () => BigInt((await status()).anchor.size) > statementIndex);
    assert.equal((await newest('alarm')).length, 1);
  });

  it('starts its device helper again when it is gone', async () => {
    const children = `/proc/${daemon.pid}/task/${daemon.pid}/children`;
    const helper = Number(readFileSync(children, 'utf8').trim());
    process.kill(helper, 'SIGKILL');
    const { anchored } = await agent.submit([action], { level: 'anchored' });
    assert.ok(anchored !== null);
    assert.notEqual(Number(readFileSync(children, 'utf8').trim()), helper);
  });

  it('closes a session with the count of its actions', async () => {
    const other = await connect({ socketPath: appliance.agentSocket, ...enrolled });
    await other.submit([action, action, action]);
    assert.equal(await other.close(), 3);
    const [closed] = await newest('session.close');
    assert.ok(closed?.kind === 'session.close' && closed.actionCount === 3);
    assert.equal(closed.reason, 'closed');
  });

  it('closes a session that is silent for too long', async () => {
    await daemon.stop();
    daemon = await appliance.start({ flags: ['--session-idle-ms', '1000'] });
    await until(async () => (await status()).sessions === 0);
    const [closed] = await newest('session.close');
    assert.ok(closed?.kind === 'session.close' && closed.reason === 'idle');
    assert.equal((await status()).agents, 1);
    agent.destroy();
    agent = await connect({ socketPath: appliance.agentSocket, ...enrolled });
  });

  it('refuses to start on a journal that was set back', async () => {
    await daemon.stop();
    const journal = join(appliance.state, 'journal');
    cpSync(journal, join(folder, 'older'), { recursive: true });
    const { code } = await restart((running) => running.stop());
    assert.equal(code, 0);
    await agent.submit([action]);
    await daemon.stop();
    renameSync(journal, join(folder, 'newer'));
    cpSync(join(folder, 'older'), journal, { recursive: true });
    const refused = appliance.launch();
    await assert.rejects(refused.ready, /anchor-contradiction.*journal is older/u);
    assert.equal((await refused.ended).code, 1);
    rmSync(journal, { recursive: true });
    renameSync(join(folder, 'newer'), journal);
    daemon = await appliance.start();
    await agent.submit([action]);
  });

  const refusals: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['without its TPM', ['--tcti', 'swtpm:path=/nonexistent/tpm.sock'], /device-missing/u],
    ['without the PIN', ['--token-pin-file', '/nonexistent/pin'], /device-/u],
    ['with another token', ['--token-label', 'other'], /device-missing/u],
    [
      'under another name',
      ['--origin', 'example.org/other'],
      /config-invalid.*that never changes/u,
    ],
  ];
  for (const [what, flags, message] of refusals) {
    it(`refuses to start ${what}`, async () => {
      await daemon.stop();
      const refused = appliance.launch({ flags });
      await assert.rejects(refused.ready, message);
      assert.equal((await refused.ended).code, 1);
    });
  }

  it('starts again after every refusal as if nothing had been', async () => {
    daemon = await appliance.start();
    assert.equal((await newest('unclean-start')).length, 1);
  });

  it('refuses to start where the counter was moved by something else', async () => {
    await daemon.stop();
    const helper = startDeviceHelper(appliance.devices.settings);
    await helper.attestationDevice.incrementCounter(60_000);
    await helper.close();
    const refused = appliance.launch();
    await assert.rejects(refused.ready, /anchor-contradiction/u);
    assert.equal((await refused.ended).code, 1);
  });

  async function status(): Promise<StatusView> {
    return askJson<StatusView>(appliance.controlSocket, '/v1/status');
  }

  async function entryAt(index: number): Promise<Entry> {
    const { bytes } = await askJson<{ bytes: string }>(
      appliance.controlSocket,
      `/v1/entries/${index}`,
    );
    return decodeEntry(decodeBase64(bytes));
  }

  /** All entries of a kind, the newest first. */
  async function newest(kind: Entry['kind']): Promise<Entry[]> {
    const found: Entry[] = [];
    for (let index = (await status()).size - 1; index >= 0; index--) {
      const entry = await entryAt(index);
      if (entry.kind === kind) found.push(entry);
    }
    return found;
  }

  async function restart(end: (daemon: RunningDaemon) => Promise<DaemonEnd>): Promise<DaemonEnd> {
    const ended = await end(daemon);
    daemon = await appliance.start();
    return ended;
  }
});

/** Asks again until it is so; mocha's limit ends what never comes. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await setTimeout(100);
}
