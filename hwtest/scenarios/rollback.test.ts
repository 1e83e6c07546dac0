/**
 * What somebody with the box in their hands can set back, on the real daemon with a software TPM:
 * what its start refuses, and what only those outside can show.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { connect, type Receipt } from '@kudurru/agent';
import {
  decodeBase64,
  decodeEntry,
  formatTrustPolicy,
  parseAttest,
  verify,
  type TpmClockInfo,
} from '@kudurru/proof';
import { after, before, beforeEach, describe, it } from 'mocha';

import {
  defaultCounterIndex,
  defaultExtendIndex,
} from '../../daemon/src/hardware/device-settings.ts';
import { Appliance, type DaemonOptions } from '../backends/appliance.ts';
import { askJson, enrolAgent, type EnrolledAgent } from '../backends/control.ts';
import { clearTpm, defineExtendIndex, extendPcr, undefineIndex } from '../backends/tpm-commands.ts';
import type { StatusView } from '../../daemon/src/control/views.ts';
import { kudurru } from './kudurru.ts';
import { compareReceipts } from './receipt-checker.ts';
import {
  bundleOf,
  checkFiles,
  makeScratchFolder,
  policyOf,
  scenarioTimeoutMs,
  someAction,
} from './scenario.ts';

/** Of the state folder: what is not the disk of the ledger. */
const notOfTheDisk = /^(?:devices|lock|.*\.sock)$/u;
const options: DaemonOptions = {
  flags: ['--anchor-interval-ms', '100', '--segment-size-mib', '8'],
};

describe('what is set back', function () {
  this.timeout(scenarioTimeoutMs);
  let folder: string;
  let appliance: Appliance;
  let enrolled: EnrolledAgent;

  before(async () => {
    folder = makeScratchFolder();
    appliance = await Appliance.prepare(join(folder, 'state'));
    await appliance.start(options);
    enrolled = await enrolAgent(appliance.controlSocket, 'honest');
    await appliance.daemon.stop();
  });
  after(async () => {
    await appliance.stop();
    rmSync(folder, { recursive: true });
  });

  describe('while the TPM goes on', () => {
    beforeEach(async () => {
      await appliance.start(options);
      await act();
    });

    it('old disk: refused by counter and extend index', async () => {
      await appliance.daemon.stop();
      const old = keepDisk('old');
      await appliance.start(options);
      await act();
      await appliance.daemon.stop();
      const newest = keepDisk('newest');
      restoreDisk(old);
      const said = await requireRefused();
      assert.match(said, /the TPM counter shows \d+, the ledger has \d+;/u);
      assert.match(said, /the TPM's extend index shows/u);
      await appliance.devices.tpm.powerCycle(false);
      await requireRefused();
      restoreDisk(newest);
      await requireWhole();
    });

    it('old disk within one counter value, in the same TPM boot: refused by the PCR', async () => {
      const old = keepDisk('same-counter');
      await act();
      await appliance.daemon.kill();
      const newest = keepDisk('same-counter-newest');
      restoreDisk(old);
      const said = await requireRefused();
      assert.match(said, /the anchor PCR shows [0-9a-f]{64}/u);
      assert.doesNotMatch(said, /counter shows|extend index/u);
      restoreDisk(newest);
      await requireWhole();
    });

    it('the same after a reset: not seen by the box, but in the window it stated', async () => {
      const old = keepDisk('window');
      const sizeBefore = (await status()).size;
      const lost = await act();
      const { anchor, size } = await status();
      assert.ok(anchor.entriesNotCounted >= size - sizeBefore, 'the window that was stated');
      const bundleOfLost = await bundleOf(appliance.controlSocket, lost.actions[0].index);
      await appliance.daemon.kill();
      const newest = keepDisk('window-newest');
      restoreDisk(old);
      await appliance.devices.tpm.powerCycle(false);
      await appliance.start(options);
      const instead = await act();
      const bundleOfFork = await bundleOf(appliance.controlSocket, instead.actions[0].index);
      await requireEquivocation(bundleOfLost, bundleOfFork);
      await appliance.daemon.stop();
      // Whoever holds a receipt of what was dropped shows that this log is another one.
      const { problems } = await compareReceipts(appliance.state, [lost]);
      assert.notDeepEqual(problems, []);
      // The TPM went on with the old disk: now the newer one is refused.
      const forked = keepDisk('forked');
      restoreDisk(newest);
      await requireRefused();
      restoreDisk(forked);
      await requireWhole();
    });

    it('a PCR that something else extends: refused until the TPM is reset', async () => {
      await appliance.daemon.stop();
      const { socketPath } = appliance.devices.tpm;
      await extendPcr(socketPath, 14, Buffer.alloc(32, 1));
      assert.match(await requireRefused(), /the anchor PCR shows .* begins anew/u);
      await appliance.devices.tpm.powerCycle(true);
      await requireWhole();
    });

    it('a TPM that was reset, in order or not: goes on, and quotes its boot', async () => {
      let { resetCount } = await lastQuotedClock();
      for (const isOrderly of [true, false]) {
        await appliance.daemon.stop();
        await appliance.devices.tpm.powerCycle(isOrderly);
        await appliance.start(options);
        await act();
        const clock = await lastQuotedClock();
        assert.ok(clock.resetCount > resetCount);
        ({ resetCount } = clock);
        // A power loss may set the clock back: whether it did, the quote says, and the log too.
        const told = /"what":"boot quoted".*"safe":(true|false)/u.exec(appliance.daemon.log);
        assert.equal(told?.[1], String(clock.safe));
      }
      await appliance.daemon.stop();
    });

    it('a box that boots otherwise: goes on, and says in which PCR', async () => {
      assert.deepEqual((await status()).boot.state, 'as-provisioned');
      await appliance.daemon.stop();
      await appliance.devices.tpm.powerCycle(true);
      await extendPcr(appliance.devices.tpm.socketPath, 7, Buffer.alloc(32, 1));
      await appliance.start(options);
      const { state, pcrs } = (await status()).boot;
      assert.deepEqual([state, pcrs], ['differs', [7]]);
      await appliance.daemon.stop();
    });
  });

  describe('with the TPM', () => {
    /** The devices are stopped and started: a TPM's state is its folder. */
    async function exchangeTpmState(copy: string): Promise<void> {
      const tpm = join(appliance.state, 'devices', 'tpm');
      await appliance.devices.stop();
      rmSync(tpm, { recursive: true });
      cpSync(copy, tpm, { recursive: true });
      appliance = await Appliance.prepare(appliance.state);
    }
    async function keepTpmState(name: string): Promise<string> {
      const copy = join(folder, name);
      await appliance.devices.stop();
      cpSync(join(appliance.state, 'devices', 'tpm'), copy, { recursive: true });
      appliance = await Appliance.prepare(appliance.state);
      return copy;
    }

    it('old TPM state: refused by the counter', async () => {
      const old = await keepTpmState('old-tpm');
      await appliance.start(options);
      await act();
      await appliance.daemon.stop();
      const newest = await keepTpmState('newest-tpm');
      await exchangeTpmState(old);
      assert.match(await requireRefused(), /the TPM counter shows .* its state was set back/u);
      await exchangeTpmState(newest);
      await requireWhole();
    });

    it('both old: not seen by the box; a receipt held outside shows it', async () => {
      const oldDisk = keepDisk('both');
      const oldTpm = await keepTpmState('both-tpm');
      await appliance.start(options);
      const lost = await act();
      await appliance.daemon.stop();
      restoreDisk(oldDisk);
      await exchangeTpmState(oldTpm);
      await appliance.start(options);
      await act();
      await appliance.daemon.stop();
      const { problems } = await compareReceipts(appliance.state, [lost]);
      assert.notDeepEqual(problems, []);
    });

    it('disk of another appliance: refused', async () => {
      const other = await Appliance.prepare(join(folder, 'other'));
      try {
        await other.start(options);
        await other.daemon.stop();
        const own = keepDisk('own');
        restoreDisk(other.state);
        const said = await requireRefused(/device-(?:mismatch|holds-another-ledger)/u);
        assert.notEqual(said, '');
        restoreDisk(own);
        await requireWhole();
      } finally {
        await other.stop();
      }
    });

    it('an index undefined, or defined anew: refused, and says which', async () => {
      const kept = await keepTpmState('with-indexes');
      const { socketPath } = appliance.devices.tpm;
      await undefineIndex(socketPath, defaultExtendIndex);
      await requireOther(/extend index none: .*its owner has removed an index/u);
      await defineExtendIndex(socketPath, defaultExtendIndex);
      await requireOther(/extend index another: .*with an index that was made anew/u);
      await exchangeTpmState(kept);
      await undefineIndex(socketPath, defaultCounterIndex);
      await requireOther(/counter none, .*its owner has removed an index/u);
      await exchangeTpmState(kept);
      await requireWhole();
    });

    it('the TPM cleared: refused, and says so', async () => {
      const kept = await keepTpmState('not-cleared');
      await clearTpm(appliance.devices.tpm.socketPath);
      await requireOther(/endorsement key its own, .*the same TPM, and was cleared/u);
      await exchangeTpmState(kept);
      await requireWhole();
    });

    it('the keys of the TPM lost: refused', async () => {
      const keys = join(appliance.state, 'devices', 'tpm-keys');
      renameSync(keys, `${keys}.lost`);
      await requireOther(/has no finished keys/u);
      rmSync(keys, { recursive: true, force: true });
      renameSync(`${keys}.lost`, keys);
      await requireWhole();
    });

    /** Nothing continues this ledger but its own TPM; what can be done is said. */
    async function requireOther(shown: RegExp): Promise<void> {
      const said = await requireRefused(/device-mismatch/u);
      assert.match(said, shown);
      assert.match(said, /the ledger ends here.*kudurru provision/u);
    }
  });

  async function act(): Promise<Receipt> {
    const socketPath = appliance.agentSocket;
    await using agent = await connect({ socketPath, ...enrolled });
    return await agent.submit([someAction('to be kept')], { level: 'anchored' });
  }

  /** Of the newest boot entry's quote. */
  async function lastQuotedClock(): Promise<TpmClockInfo> {
    for (let index = (await status()).size - 1; index > 0; index -= 1) {
      const path = `/v1/entries/${index}`;
      const { bytes } = await askJson<{ bytes: string }>(appliance.controlSocket, path);
      const entry = decodeEntry(decodeBase64(bytes));
      if (entry.kind === 'boot' && entry.bootQuote !== null) {
        return parseAttest(entry.bootQuote.attest).clock;
      }
    }
    return assert.fail('no boot entry with a quote');
  }

  function status(): Promise<StatusView> {
    return askJson<StatusView>(appliance.controlSocket, '/v1/status');
  }

  /** Each is VALID by itself; a third party that holds both has the proof. */
  async function requireEquivocation(a: Uint8Array, b: Uint8Array): Promise<void> {
    const policy = await policyOf(appliance.controlSocket);
    for (const bundle of [a, b]) {
      assert.equal((await verify(bundle, policy)).headline, 'VALID (emulated)');
    }
    writeFileSync(join(folder, 'a.kudurru'), a);
    writeFileSync(join(folder, 'b.kudurru'), b);
    writeFileSync(join(folder, 'trust.json'), formatTrustPolicy(policy));
    const words = ['verify', 'a.kudurru', 'b.kudurru', '--policy', 'trust.json'];
    const { code, stdout } = await kudurru(words, { currentFolder: folder });
    assert.equal(code, 1);
    assert.match(stdout, /^INVALID: equivocation /u);
  }

  function keepDisk(name: string): string {
    const copy = join(folder, name);
    mkdirSync(copy);
    copyDisk(appliance.state, copy);
    return copy;
  }

  function restoreDisk(copy: string): void {
    for (const name of namesOfDisk(appliance.state)) {
      rmSync(join(appliance.state, name), { recursive: true });
    }
    copyDisk(copy, appliance.state);
  }

  async function requireRefused(reason = /anchor-contradiction/u): Promise<string> {
    const daemon = appliance.launch(options);
    await assert.rejects(daemon.ready, reason);
    assert.deepEqual(await daemon.ended, { code: 1, signal: null });
    return daemon.log;
  }

  /** It starts, works, stops, and its log replays. */
  async function requireWhole(): Promise<void> {
    await appliance.start(options);
    await act();
    await appliance.daemon.stop();
    await checkFiles(appliance.state);
  }
});

function namesOfDisk(state: string): string[] {
  return readdirSync(state).filter((name) => !notOfTheDisk.test(name));
}

function copyDisk(from: string, to: string): void {
  for (const name of namesOfDisk(from)) {
    cpSync(join(from, name), join(to, name), { recursive: true });
  }
}
