/**
 * Makes the anchor of a plan (SPEC.md §9), in steps of which each can be repeated:
 *
 *   1. counter, extend index and PCR are read: they show what the log leads to, or what this very
 *      anchor has done before a crash or a lost answer; anything else is a contradiction
 *   2. a counter-anchor increments the counter, unless it shows the value already
 *   3. L, evidence of time, R, N; not if the second prepare record has them of this TPM boot
 *   4. second prepare record durable: D is fixed from now on
 *   5. PCR extended with D, index with the counter and D, unless they show it already
 *   6. quote, certified index: their values must be those that the log leads to
 *   7. checkpoint with the lines of the log key and the TPM recorded
 *
 * A crash after 1 to 3 leaves nothing that was shown to anybody, and at most the increment that
 * the plan names; after 4 to 7 the same D is finished. A TPM that is reset between any two steps
 * shows another TPM boot in what it signs next: then a boot entry records what its PCRs begin
 * with, and 3 to 7 are done anew with the same evidence, so with the same D.
 */
import {
  counterQualifier,
  equalBytes,
  extendQualifier,
  leftQualifier,
  parseAttest,
  pcrDigest,
  quoteQualifier,
  rightQualifier,
} from '@kudurru/proof';

import type { AnchorRegisters, Registers } from '../hardware/anchor-registers.ts';
import type { Attestation } from '../hardware/attestation.ts';
import type { AttestationDevice } from '../hardware/attestation-device.ts';
import { DeviceError } from '../hardware/device-error.ts';
import type { Checkpoints } from './checkpoints.ts';
import { AnchorContradiction } from './contradiction.ts';
import type { AnchorPlan } from './plan.ts';
import type { AnchorContent, AnchorLedger } from './ports.ts';
import {
  encodeBound,
  momentOfBound,
  type AnchorEvidence,
  type AttestedAnchor,
  type BoundAnchor,
  type PreparedAnchor,
} from './prepared.ts';
import { digestOf, extendStep, pcrStep } from './register-steps.ts';
import type { QuotedBoot } from './start-rule.ts';
import { isSameTpmBoot, type TpmBoot } from './tpm-boot.ts';
import type { TpmHistory } from './tpm-history.ts';

export interface MakerOptions {
  readonly history: TpmHistory;
  readonly device: AttestationDevice & AnchorRegisters;
  readonly checkpoints: Pick<Checkpoints, 'signForAnchor'>;
  readonly ledger: Pick<AnchorLedger, 'recordPlan'>;
  /** The PCR that anchors extend, and the index with it; null where this appliance has none. */
  readonly pcrIndex: number | null;
  /** Time evidence of this moment. */
  readonly takeEvidence: () => Promise<AnchorEvidence>;
  /** Records a TPM boot that no boot entry has: the quote of the entry, which is durable. */
  readonly recordTpmBoot: () => Promise<QuotedBoot>;
  readonly deviceTimeoutMs: number;
}

/** An anchor that is being made; `prepared` follows its prepare records. */
export interface AnchorUnderWay {
  prepared: PreparedAnchor;
}

/** TPM boots that one anchor may see. */
const tpmBootsMax = 5;

export class AnchorMaker {
  readonly #options: MakerOptions;

  constructor(options: MakerOptions) {
    this.#options = options;
  }

  /** @throws AnchorContradiction, and DeviceError of the devices */
  async make(underWay: AnchorUnderWay): Promise<AnchorContent> {
    for (let tpmBoot = 0; tpmBoot < tpmBootsMax; tpmBoot += 1) {
      const registers = await this.#readRegisters();
      await this.#enterTpmBoot(registers);
      const content = await this.#makeInTpmBoot(underWay, registers);
      if (content !== null) return content;
    }
    throw new DeviceError('device-refused', 'anchor not made: the TPM is reset again and again');
  }

  /** The anchor's entry is durable. */
  settle({ prepared: { plan, bound } }: AnchorUnderWay): void {
    this.#options.history.settle(plan, bound);
  }

  async #enterTpmBoot(registers: Registers): Promise<void> {
    const { history, recordTpmBoot } = this.#options;
    if (history.hasTpmBoot(registers.clock)) return;
    history.refuseEarlier(registers);
    history.enter(await recordTpmBoot());
  }

  /** Null where the TPM was reset meanwhile. */
  async #makeInTpmBoot(
    underWay: AnchorUnderWay,
    registers: Registers,
  ): Promise<AnchorContent | null> {
    const { history, checkpoints, pcrIndex } = this.#options;
    const { clock } = registers;
    if (!history.hasTpmBoot(clock)) return null;
    history.check(registers, underWay.prepared);
    const { plan, bound } = underWay.prepared;
    await this.#count(plan, registers);
    const isOfThisBoot = bound !== null && isSameTpmBoot(momentOfBound(bound), clock);
    const attested = isOfThisBoot ? bound : await this.#attest(underWay.prepared, clock);
    if (attested === null) return null;
    const nothing = { quote: null, extend: null };
    const extras = pcrIndex === null ? nothing : await this.#extend(underWay, attested, pcrIndex);
    if (extras === null) return null;
    const checkpoint = await checkpoints.signForAnchor(plan);
    const { evidence, rawEvidence, left, right, counter } = attested;
    return { ...plan, evidence, rawEvidence, checkpoint, left, right, counter, ...extras };
  }

  /** An increment whose answer was lost has been done: the value was read, and was allowed. */
  async #count(plan: AnchorPlan, registers: Registers): Promise<void> {
    const { device, deviceTimeoutMs } = this.#options;
    if (registers.counter === plan.counterExpected) return;
    this.#requireCounter(await device.incrementCounter(deviceTimeoutMs), plan, registers);
  }

  /** Step 3. Null where the TPM was reset meanwhile. */
  async #attest(
    { plan, bound }: PreparedAnchor,
    tpmBoot: Registers['clock'],
  ): Promise<AttestedAnchor | null> {
    const { device, takeEvidence, deviceTimeoutMs, history } = this.#options;
    const left = await device.bracket(leftQualifier(plan), deviceTimeoutMs);
    const { evidence, rawEvidence } = bound ?? (await takeEvidence());
    const digest = digestOf(history.identity, plan, evidence);
    const right = await device.bracket(rightQualifier(left.attest, digest), deviceTimeoutMs);
    const counter = await device.certifyCounter(counterQualifier(right.attest), deviceTimeoutMs);
    if (![left, right, counter].every((each) => isOfTpmBoot(each, tpmBoot))) return null;
    if (counter.value !== plan.counterExpected) {
      this.#requireCounter(counter.value, plan, await this.#readRegisters());
    }
    return { evidence, rawEvidence, left, right, counter };
  }

  /** Steps 4 to 6. Null where the TPM was reset meanwhile. */
  async #extend(
    underWay: AnchorUnderWay,
    attested: AttestedAnchor,
    pcrIndex: number,
  ): Promise<Pick<AnchorContent, 'quote' | 'extend'> | null> {
    const { device, history, deviceTimeoutMs } = this.#options;
    const bound = await this.#bind(underWay, attested);
    const { plan } = underWay.prepared;
    const tpmBoot = momentOfBound(bound);
    const digest = digestOf(history.identity, plan, bound.evidence);
    const step = pcrStep(bound.pcrFrom, digest);
    const indexStep = extendStep(plan, bound.extendFrom, digest);
    await device.extendPcr(step, deviceTimeoutMs);
    if (indexStep !== null) await device.extendIndex(indexStep, deviceTimeoutMs);
    const request = { pcrs: [pcrIndex], qualifyingData: quoteQualifier(bound.counter.attest) };
    const { attest, signature } = await device.quote(request, deviceTimeoutMs);
    const quote = { attest, signature };
    const extend =
      indexStep === null
        ? null
        : await device.certifyExtend(extendQualifier(bound.counter.attest), deviceTimeoutMs);
    const made = extend === null ? [quote] : [quote, extend];
    if (!made.every((each) => isOfTpmBoot(each, tpmBoot))) return null;
    const isQuoted = equalBytes(attestedBytes(quote), pcrDigest([step.to]));
    const isCertified =
      extend === null || equalBytes(attestedBytes(extend), indexStep?.to ?? new Uint8Array());
    if (!isQuoted || !isCertified) await this.#refuseShown(underWay.prepared);
    return { quote, extend };
  }

  /** Step 4; the record that there is holds for its own TPM boot only. */
  async #bind(underWay: AnchorUnderWay, attested: AttestedAnchor): Promise<BoundAnchor> {
    const { plan, bound } = underWay.prepared;
    if (bound === attested) return bound;
    const { pcr, extend } = this.#options.history.replayed;
    if (pcr === null || extend === null) {
      throw new DeviceError('device-unfit', 'anchor not made: the TPM has no anchor PCR or index');
    }
    const next = { ...attested, pcrFrom: pcr, extendFrom: bound?.extendFrom ?? extend };
    await this.#options.ledger.recordPlan(encodeBound(plan, next));
    underWay.prepared = { plan, bound: next };
    return next;
  }

  /** PCR or index show something else than was just extended: something else extends them too. */
  async #refuseShown(prepared: PreparedAnchor): Promise<never> {
    this.#options.history.check(await this.#readRegisters(), prepared);
    throw new DeviceError(
      'device-refused',
      'anchor not made: the TPM did not extend its PCR or its index as it was asked to',
    );
  }

  #requireCounter(value: bigint, { counterExpected }: AnchorPlan, registers: Registers): void {
    if (value === counterExpected) return;
    const wanted = [String(counterExpected)];
    const contradiction = { kind: 'counter', found: String(value), wanted } as const;
    throw new AnchorContradiction('anchor not made', [contradiction], registers);
  }

  #readRegisters(): Promise<Registers> {
    const { device, deviceTimeoutMs } = this.#options;
    return device.readRegisters(deviceTimeoutMs);
  }
}

function isOfTpmBoot({ attest }: Attestation, tpmBoot: TpmBoot): boolean {
  return isSameTpmBoot(parseAttest(attest).clock, tpmBoot);
}

/** Digest of a quote, contents of a certified index. */
function attestedBytes({ attest }: Attestation): Uint8Array {
  const { attested } = parseAttest(attest);
  if (attested.type === 'quote') return attested.pcrDigest;
  return attested.type === 'nv' ? attested.contents : new Uint8Array();
}
