import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { extended, pcrDigest, sha256 } from '@kudurru/proof';

import { AnchorContradiction, type ContradictionKind } from '../../src/anchor/contradiction.ts';
import type { AnchorKind, AnchorPlan } from '../../src/anchor/plan.ts';
import type { LastAnchor } from '../../src/anchor/ports.ts';
import type { BoundAnchor } from '../../src/anchor/prepared.ts';
import { digestOf, extendStep } from '../../src/anchor/register-steps.ts';
import { checkStart, type LoggedTpm } from '../../src/anchor/start-rule.ts';
import type { TpmMoment } from '../../src/anchor/tpm-boot.ts';
import { leafIndex, treeSize } from '../../src/base/units.ts';
import type { Registers } from '../../src/hardware/anchor-registers.ts';
import { identity } from './anchoring-world.ts';
import { TwinTpm } from './twin-tpm.ts';

const counterBase = 40n;
const pcr = hash('the PCR after the last anchor');
const extend = hash('the index after the last counter-anchor');
const here: TpmMoment = { resetCount: 3, restartCount: 0, clockMs: 5000n, safe: true };
const lastAnchor = anchor(3n, 42n);
const bound = await boundOf(plan(4n, 43n, 'counter-anchor'));

/** After anchor 3, in the TPM boot that it was made in, with nothing under way. */
const log: LoggedTpm = {
  identity,
  counterBase,
  lastAnchor,
  extend,
  lastBoot: { moment: { ...here, clockMs: 100n }, pcr: hash('what this TPM boot began with') },
  prepared: null,
};
const shown: Registers = { clock: { ...here, timeMs: 0n }, counter: 42n, pcr, extend };

describe('start rule', () => {
  it('goes on where TPM and journal agree', () => {
    const { unfinished, replayed } = checkStart(shown, log);
    assert.equal(unfinished, null);
    assert.deepEqual(replayed, { counter: 42n, pcr, extend });
    const prepared = { plan: plan(3n, 42n, 'counter-anchor'), bound: null };
    assert.equal(checkStart(shown, { ...log, prepared }).unfinished, null);
  });

  it('goes on before the first anchor, from the PCR of the boot entry', () => {
    const first = { ...log, lastAnchor: null };
    const began = hash('what this TPM boot began with');
    const { replayed } = checkStart({ ...shown, counter: 40n, pcr: began }, first);
    assert.deepEqual(replayed.pcr, began);
  });

  it('takes any PCR in another TPM boot, and no other counter or index', () => {
    const rebooted = { ...shown, pcr: hash('firmware'), clock: { ...shown.clock, resetCount: 4 } };
    assert.equal(checkStart(rebooted, log).replayed.pcr, null);
    // The clock may have gone back with a power loss: that the TPM says so is no contradiction.
    const unsafe = { ...rebooted.clock, clockMs: 1n, safe: false };
    assert.equal(checkStart({ ...rebooted, clock: unsafe }, log).unfinished, null);
    requireRefused({ ...rebooted, counter: 43n }, log, ['counter']);
    requireRefused({ ...rebooted, extend: hash('other') }, log, ['extend-index']);
  });

  it('finishes what was prepared, before and after the increment', () => {
    const next = { plan: plan(4n, 43n, 'counter-anchor'), bound: null };
    for (const counter of [42n, 43n]) {
      const found = checkStart({ ...shown, counter }, { ...log, prepared: next });
      assert.equal(found.unfinished, next);
    }
    const still = { plan: plan(4n, 42n, 'anchor'), bound: null };
    assert.equal(checkStart(shown, { ...log, prepared: still }).unfinished, still);
  });

  it('finishes what was bound, wherever its extensions were interrupted', () => {
    const prepared = { plan: plan(4n, 43n, 'counter-anchor'), bound };
    const digest = digestOf(identity, prepared.plan, bound.evidence);
    const to = extendStep(prepared.plan, extend, digest)?.to ?? assert.fail('it counts');
    for (const shownPcr of [pcr, extended(pcr, digest)]) {
      for (const shownExtend of [extend, to]) {
        const registers = { ...shown, counter: 43n, pcr: shownPcr, extend: shownExtend };
        const { unfinished, replayed } = checkStart(registers, { ...log, prepared });
        assert.equal(unfinished, prepared);
        assert.deepEqual(replayed.pcr, pcr);
      }
    }
    const rebooted = { ...shown.clock, resetCount: 4 };
    const registers = { clock: rebooted, counter: 43n, pcr: hash('firmware'), extend: to };
    assert.equal(checkStart(registers, { ...log, prepared }).unfinished, prepared);
  });

  it('goes on with a TPM that was provisioned without PCR and index', () => {
    const older = { ...log, extend: null, lastBoot: null };
    const without = { ...older, lastAnchor: { ...lastAnchor, pcrDigest: null } };
    const registers = { ...shown, pcr: null, extend: null };
    const { replayed } = checkStart(registers, without);
    assert.deepEqual(replayed, { counter: 42n, pcr: null, extend: null });
    requireRefused({ ...registers, counter: 41n }, without, ['counter']);
  });

  const counting = { plan: plan(4n, 43n, 'counter-anchor'), bound: null };
  const boundHere = { ...counting, bound };
  const refused: readonly (readonly [string, Partial<Registers>, Partial<LoggedTpm>, Kinds])[] = [
    ['an older journal', { counter: 43n }, {}, ['counter']],
    ['an older journal whose extensions show too', shownLater(), {}, ['counter', 'extend-index']],
    ['a TPM set back', { counter: 41n }, {}, ['counter']],
    ['a counter beyond the increment', { counter: 44n }, { prepared: counting }, ['counter']],
    ['a bound anchor that was not counted', {}, { prepared: boundHere }, ['counter']],
    [
      'an increment that no anchor makes',
      { counter: 43n },
      { prepared: { plan: plan(4n, 42n, 'anchor'), bound: null } },
      ['counter'],
    ],
    [
      'a record of a later anchor',
      {},
      { prepared: { plan: plan(5n, 42n, 'anchor'), bound: null } },
      ['prepare-record'],
    ],
    ['a PCR of another log', { pcr: hash('another log') }, {}, ['pcr']],
    ['a PCR unlike that of the boot entry', { counter: 40n }, { lastAnchor: null }, ['pcr']],
    ['an index of another log', { extend: hash('another log') }, {}, ['extend-index']],
    ['a TPM without its index', { extend: null }, {}, ['extend-index']],
    [
      'a TPM that was reset less often',
      { clock: { ...shown.clock, resetCount: 2 } },
      {},
      ['tpm-boot'],
    ],
    [
      'a clock that went back without a reset',
      { clock: { ...shown.clock, clockMs: 4000n } },
      {},
      ['tpm-clock'],
    ],
  ];
  for (const [what, registers, logged, kinds] of refused) {
    it(`refuses ${what}`, () => {
      requireRefused({ ...shown, ...registers }, { ...log, ...logged }, kinds);
    });
  }

  it('says what it found, what the ledger has, and what may be done', () => {
    assert.throws(
      () => checkStart({ ...shown, counter: 43n }, log),
      /start refused: the TPM counter shows 43, the ledger has 42; either the journal is older/u,
    );
  });
});

type Kinds = readonly ContradictionKind[];

function requireRefused(registers: Registers, logged: LoggedTpm, kinds: Kinds): void {
  assert.throws(
    () => checkStart(registers, logged),
    (error) => {
      assert(error instanceof AnchorContradiction);
      assert.equal(error.code, 'anchor-contradiction');
      assert.deepEqual(
        error.contradictions.map(({ kind }) => kind),
        kinds,
      );
      assert.equal(error.registers, registers);
      return true;
    },
  );
}

function shownLater(): Partial<Registers> {
  return { counter: 43n, extend: hash('after the next counter-anchor'), pcr };
}

function hash(of: string): Uint8Array {
  return sha256(new TextEncoder().encode(of));
}

function anchor(anchorSequence: bigint, counterExpected: bigint): LastAnchor {
  return {
    index: leafIndex(100n),
    leafHash: new Uint8Array(32),
    anchorSequence,
    size: treeSize(100n),
    counterExpected,
    moment: { ...here, clockMs: 4900n },
    pcrDigest: pcrDigest([pcr]),
  };
}

function plan(anchorSequence: bigint, counterExpected: bigint, kind: AnchorKind): AnchorPlan {
  return {
    kind,
    anchorSequence,
    previousAnchorIndex: leafIndex(100n),
    previousAnchorLeafHash: new Uint8Array(32),
    size: treeSize(120n),
    root: new Uint8Array(32),
    agentHeadsRoot: new Uint8Array(32),
    counterExpected,
  };
}

/** What the second prepare record of `of` holds, in the TPM boot of `here`. */
async function boundOf(of: AnchorPlan): Promise<BoundAnchor> {
  const tpm = new TwinTpm(extend);
  tpm.clockMs = 4950n;
  tpm.counter = of.counterExpected;
  const nonce = new Uint8Array(32);
  return {
    evidence: Uint8Array.of(1),
    rawEvidence: null,
    left: await tpm.bracket(nonce),
    right: await tpm.bracket(nonce),
    counter: await tpm.certifyCounter(nonce),
    pcrFrom: pcr,
    extendFrom: extend,
  };
}
