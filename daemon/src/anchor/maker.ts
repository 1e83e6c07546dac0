/**
 * Makes the anchor of a plan: the TPM's clock, the evidence of time, the TPM's clock again, the
 * counter, each bound to the one before (SPEC.md §9). Run again after a crash with the same plan,
 * it makes another valid anchor of the same tree: nothing it does before the entry is durable can
 * be shown to anybody.
 */
import {
  anchorDigest,
  counterQualifier,
  leftQualifier,
  rightQualifier,
  sha256,
} from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import type { AttestationDevice } from '../hardware/attestation-device.ts';
import type { CounterAttestation } from '../hardware/attestation.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { AnchorPlan } from './plan.ts';
import type { AnchorContent } from './ports.ts';

export interface MakerOptions {
  readonly ledgerId: Uint8Array;
  readonly applianceId: Uint8Array;
  readonly device: AttestationDevice;
  readonly checkpoints: Pick<Checkpoints, 'signForAnchor'>;
  /** Time evidence of this moment, encoded. */
  readonly takeEvidence: () => Uint8Array;
  readonly deviceTimeoutMs: number;
}

export class AnchorMaker {
  readonly #options: MakerOptions;

  constructor(options: MakerOptions) {
    this.#options = options;
  }

  /** @throws KudurruError `anchor-contradiction`, and DeviceError of the devices */
  async make(plan: AnchorPlan): Promise<AnchorContent> {
    const { device, checkpoints, takeEvidence, deviceTimeoutMs } = this.#options;
    if (plan.kind === 'counter-anchor') await this.#moveCounterTo(plan.counterExpected);
    const left = await device.bracket(leftQualifier(plan), deviceTimeoutMs);
    const evidence = takeEvidence();
    const digest = this.#digest(plan, evidence);
    const right = await device.bracket(rightQualifier(left.attest, digest), deviceTimeoutMs);
    const counter = await device.certifyCounter(counterQualifier(right.attest), deviceTimeoutMs);
    requireValue(counter, plan.counterExpected);
    const checkpoint = await checkpoints.signForAnchor(plan);
    return { ...plan, evidence, checkpoint, left, right, counter };
  }

  /** What the counter shows now. The attestation is dropped: it binds nothing. */
  async counterValue(): Promise<bigint> {
    const { device, deviceTimeoutMs } = this.#options;
    return (await device.certifyCounter(new Uint8Array(0), deviceTimeoutMs)).value;
  }

  /**
   * Looks first: an increment whose answer was lost, in this run or before a crash, has been done,
   * and a second one would be a contradiction.
   */
  async #moveCounterTo(expected: bigint): Promise<void> {
    const value = await this.counterValue();
    if (value === expected) return;
    if (value !== expected - 1n) throw contradiction(value, expected);
    await this.#options.device.incrementCounter(this.#options.deviceTimeoutMs);
  }

  /** D of SPEC.md §9. */
  #digest(plan: AnchorPlan, evidence: Uint8Array): Uint8Array {
    const { ledgerId, applianceId } = this.#options;
    return anchorDigest({ ledgerId, applianceId, ...plan, evidenceHash: sha256(evidence) });
  }
}

function requireValue(counter: CounterAttestation, expected: bigint): void {
  if (counter.value !== expected) throw contradiction(counter.value, expected);
}

function contradiction(value: bigint, expected: bigint): KudurruError {
  return new KudurruError(
    'anchor-contradiction',
    `anchor not made: the TPM counter shows ${value} where the ledger has ${expected}; ` +
      'something else has moved it',
  );
}
