import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { connect } from '@kudurru/agent';
import {
  decodeOperatorOrder,
  encodeOperatorOrder,
  verify,
  type EntryOf,
  type OperatorOrder,
} from '@kudurru/proof';
import { afterEach, beforeEach, describe, it } from 'mocha';

import type { EnrolledAgent } from '../backends/control.ts';
import { makeOperatorKey } from '../backends/operator-key.ts';
import { kudurru, type CommandEnd } from './kudurru.ts';
import { copyDisk } from './old-disk.ts';
import { makeScratchFolder, Scenario, scenarioTimeoutMs, someAction } from './scenario.ts';

describe('kudurru recover', function () {
  this.timeout(scenarioTimeoutMs);
  let scenario: Scenario;
  let folder: string;
  let enrolled: EnrolledAgent;

  /** A ledger whose disk is older than its TPM: what was acknowledged in between is lost. */
  beforeEach(async () => {
    folder = makeScratchFolder();
    for (const name of ['ana', 'mallory']) makeOperatorKey(folder, name);
    makeOperatorKey(folder, 'ben', 'ecdsa');
    scenario = await Scenario.prepare();
    const operators = ['--operator', 'ana=ana.pub', '--operator', 'ben=ben.pub'];
    const provisioned = await command(['provision', ...operators]);
    assert.equal(provisioned.code, 0, provisioned.stderr);
    await scenario.appliance.start();
    enrolled = await scenario.enrol('clerk');
    await act('kept');
    await scenario.appliance.daemon.stop();
    copyDisk(scenario.appliance.state, join(folder, 'old'));
    await scenario.appliance.start();
    await act('lost');
    await scenario.appliance.daemon.stop();
  });
  afterEach(async () => {
    await scenario.end();
    rmSync(folder, { recursive: true });
  });

  it('is what a refused start asks for, and lets the log go on for good', async () => {
    const agreed = await command(['recover', '--describe', '-o', 'order.bin']);
    assert.match(agreed.stderr, /agree/u);
    copyDisk(join(folder, 'old'), scenario.appliance.state);
    await requireRefusedStart();
    const described = await command(['recover', '--describe', '-o', 'order.bin']);
    assert.equal(described.code, 0, described.stderr);
    assert.match(described.stderr, /counter: shows \d+, the log has \d+/u);
    sign('ben', 'order.bin');
    const done = await command(['recover', '--authorisation', 'order.bin.sig']);
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, /restored +entry \d+, ordered by ben/u);
    await scenario.appliance.start();
    const last = await act('after');
    const { overall, questions, checks } = await verify(
      await scenario.bundle(last),
      await scenario.policy(),
    );
    assert.equal(
      overall,
      'VALID',
      JSON.stringify(checks.filter(({ outcome }) => outcome === 'fail')),
    );
    const [restore] = (await scenario.entriesOf('restore')) as EntryOf<'restore'>[];
    assert(restore !== undefined);
    assert.equal((await scenario.entriesOf('unclean-start')).length, 0);
    // The first entry behind the order: its anchor is the one that goes on from what was found.
    const restored = await restoreIndex();
    const behind = await verify(await scenario.bundle(restored), await scenario.policy());
    assert.equal(behind.overall, 'VALID');
    assert.match(behind.questions.order.text, /'ben' ordered to go on/u);
    assert.equal(questions.order.state, 'answered');
    const kept = await verify(await scenario.bundle(restored - 1n), await scenario.policy());
    assert.match(kept.questions.order.text, /'ben' ordered to go on/u);
    await scenario.appliance.daemon.stop();
    await scenario.requireWhole();
    const portable = await command(['fsck', '--portable']);
    assert.equal(portable.code, 0, portable.stdout);
    await requireRefused('order-used', ['recover', '--authorisation', 'order.bin.sig']);
    await scenario.appliance.start();
    await act('and on');
    await scenario.appliance.daemon.stop();
    await scenario.requireWhole();
  });

  it('refuses every order but the one that was described, signed by an operator', async () => {
    copyDisk(join(folder, 'old'), scenario.appliance.state);
    assert.equal((await command(['recover', '--describe', '-o', 'first.bin'])).code, 0);
    sign('ana', 'first.bin');
    assert.equal((await command(['recover', '--describe', '-o', 'order.bin'])).code, 0);
    const authorise = ['recover', '--authorisation', 'order.bin.sig'];
    await requireRefused('nonce-unknown', ['recover', '--authorisation', 'first.bin.sig']);
    sign('mallory', 'order.bin');
    await requireRefused('operator-unknown', authorise);
    sign('ana', 'order.bin', 'file');
    await requireRefused('signature-invalid', authorise);
    sign('ana', 'first.bin');
    const other = ['recover', '--authorisation', 'first.bin.sig', '--order', 'order.bin'];
    await requireRefused('signature-invalid', other);
    writeFileSync(join(folder, 'text.bin'), 'go on');
    sign('ana', 'text.bin');
    await requireRefused('order-malformed', ['recover', '--authorisation', 'text.bin.sig']);
    forge('stranger.bin', (order) => ({ ...order, ledgerId: new Uint8Array(32) }));
    await requireRefused('ledger-mismatch', ['recover', '--authorisation', 'stranger.bin.sig']);
    forge('alarm.bin', (order) => ({ ...order, kind: 'alarm' }));
    await requireRefused('order-malformed', ['recover', '--authorisation', 'alarm.bin.sig']);
    forge('payload.bin', (order) => ({ ...order, payload: Uint8Array.of(1) }));
    await requireRefused('order-malformed', ['recover', '--authorisation', 'payload.bin.sig']);
    await requireRefusedStart();
    const { stderr } = await command(['recover', '--describe', '--authorisation', 'x.sig']);
    assert.match(stderr, /one of --describe and --authorisation/u);
  });

  it('refuses an order that has expired, and one of a TPM that was reset since', async () => {
    copyDisk(join(folder, 'old'), scenario.appliance.state);
    assert.equal((await command(['recover', '--describe', '-o', 'order.bin'])).code, 0);
    const pending = join(scenario.appliance.state, 'recovery-order');
    forge('late.bin', (order) => ({ ...order, expiryTaiNs: 1n }));
    writeFileSync(pending, readFileSync(join(folder, 'late.bin')));
    await requireRefused('order-expired', ['recover', '--authorisation', 'late.bin.sig']);
    sign('ana', 'order.bin');
    writeFileSync(pending, readFileSync(join(folder, 'order.bin')));
    await scenario.appliance.devices.tpm.powerCycle(true);
    await requireRefused('order-outdated', ['recover', '--authorisation', 'order.bin.sig']);
    await requireRefusedStart();
  });

  async function act(label: string): Promise<bigint> {
    await using agent = await connect({ socketPath: scenario.appliance.agentSocket, ...enrolled });
    const receipt = await agent.submit([someAction(label)]);
    return receipt.actions[0]?.index ?? 0n;
  }

  async function restoreIndex(): Promise<bigint> {
    const entries = await scenario.entriesSince(0n);
    return BigInt(entries.findIndex(({ kind }) => kind === 'restore'));
  }

  async function command(words: readonly string[]): Promise<CommandEnd> {
    const all = [...words, '--state', scenario.appliance.state];
    return kudurru(all, { currentFolder: folder });
  }

  async function requireRefused(code: string, words: readonly string[]): Promise<void> {
    const { code: exit, stderr } = await command([...words, '--json']);
    assert.equal(exit, 1, stderr);
    assert.equal(
      (JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as { code: string }).code,
      code,
    );
  }

  async function requireRefusedStart(): Promise<void> {
    const daemon = scenario.appliance.launch();
    await assert.rejects(daemon.ready, /anchor-contradiction.*kudurru recover --describe/su);
    assert.deepEqual(await daemon.ended, { code: 1, signal: null });
  }

  function sign(operator: string, file: string, namespace = 'kudurru'): void {
    rmSync(join(folder, `${file}.sig`), { force: true });
    const words = ['-q', '-Y', 'sign', '-n', namespace, '-f', operator, file];
    execFileSync('ssh-keygen', words, { cwd: folder, stdio: 'ignore' });
  }

  /** The order that was described, changed, and signed by an operator all the same. */
  function forge(file: string, change: (order: OperatorOrder) => OperatorOrder): void {
    const order = decodeOperatorOrder(new Uint8Array(readFileSync(join(folder, 'order.bin'))));
    writeFileSync(join(folder, file), encodeOperatorOrder(change(order)));
    sign('ana', file);
  }
});
