/**
 * A log that its maker may write as it likes: entries in memory, linked and hashed as they must be,
 * with anchors by the appliance's own TPM and checkpoints by its own token. What an anchor says is
 * right but for the lie that it is told with.
 */
import {
  counterQualifier,
  decodeEntry,
  decodeTimeEvidence,
  encodeEntry,
  encodeTimeEvidence,
  extendQualifier,
  isAnchorEntry,
  leafHash,
  leftQualifier,
  MerkleTree,
  quoteQualifier,
  rightQualifier,
  ZERO_HASH,
  type AnchorEntry,
  type Entry,
  type TimeEvidence,
} from '@kudurru/proof';

import { buildBundle } from '../../daemon/proof/test/corpus/build-bundle.ts';
import { sourceOf } from '../../daemon/proof/test/corpus/ledger-source.ts';
import { quoteBoot } from '../../daemon/src/anchor/boot-quote.ts';
import { Checkpoints } from '../../daemon/src/anchor/checkpoints.ts';
import type { AnchorPlan } from '../../daemon/src/anchor/plan.ts';
import { digestOf, extendStep, pcrStep } from '../../daemon/src/anchor/register-steps.ts';
import { leafIndex, treeSize } from '../../daemon/src/base/units.ts';
import { readBootId } from '../../daemon/src/compose/boot-record.ts';
import { provisionTimeoutMs as timeoutMs } from '../../daemon/src/compose/founding.ts';
import type { Attestation } from '../../daemon/src/hardware/attestation.ts';
import type { Liar } from './liar.ts';

export interface AnchorLie {
  readonly kind?: AnchorEntry['kind'];
  /** How often the counter is incremented; once in a counter-anchor, where it is not said. */
  readonly increments?: number;
  /** The value that the anchor states; what the counter shows, where it is not said. */
  readonly counter?: bigint;
  /** What it says its clock showed. */
  readonly evidence?: (reading: TimeEvidence) => TimeEvidence;
  /** Neither extends nor quotes the PCR. */
  readonly withoutQuote?: boolean;
}

/** What every entry begins with, but for its link to the one before. */
export type EntryDraft = { readonly kind: Entry['kind'] } & Readonly<Record<string, unknown>>;

export class LyingLog {
  readonly entries: Uint8Array[];
  readonly #liar: Liar;
  readonly #checkpoints: Checkpoints;

  /** Goes on from `entries`. */
  constructor(liar: Liar, entries: readonly Uint8Array[]) {
    this.#liar = liar;
    this.entries = [...entries];
    this.#checkpoints = new Checkpoints(liar.signing);
  }

  get size(): bigint {
    return BigInt(this.entries.length);
  }

  entry(index: bigint): Entry {
    return decodeEntry(this.entries[Number(index)] ?? new Uint8Array());
  }

  /** Where the last entry of these kinds stands. */
  lastOf(...kinds: readonly Entry['kind'][]): bigint | null {
    const at = this.entries.findLastIndex((bytes) => kinds.includes(decodeEntry(bytes).kind));
    return at < 0 ? null : BigInt(at);
  }

  /** Its index. What `draft` leaves out of time is now, as this run of the daemon has it. */
  append(draft: EntryDraft): bigint {
    const last = this.entries.at(-1);
    const index = this.size;
    const bootIndex = draft.kind === 'boot' ? index : (this.lastOf('boot') ?? 0n);
    const entry = {
      previousLeafHash: last === undefined ? ZERO_HASH : leafHash(last),
      appliance: 0,
      time: {
        ...this.#liar.clock.now(),
        ...{ bootIndex, statisticalNs: null, adversarialNs: null },
        ...{ level: 'UNKNOWN', timeEvidenceIndex: null },
      },
      ...draft,
    } as unknown as Entry;
    this.entries.push(encodeEntry(entry));
    return index;
  }

  alarm(message: string, more: Readonly<Record<string, unknown>> = {}): bigint {
    return this.append({ kind: 'alarm', code: 'lie', message, ...more });
  }

  /** A run that begins here: the TPM quotes the box as it finds it. */
  async boot(): Promise<bigint> {
    const last = this.entry(this.lastOf('boot') ?? 0n);
    if (last.kind !== 'boot') throw new Error('the log has no boot entry to follow');
    const identity = { bootNumber: last.bootNumber + 1, kernelBootId: readBootId() };
    const pcrs = last.bootQuote?.values.map(({ pcr }) => pcr) ?? [];
    const { device, identity: ofLedger } = this.#liar;
    const options = {
      device,
      identity: ofLedger,
      pcrs,
      anchorPcr: null,
      deviceTimeoutMs: timeoutMs,
    };
    const { quote } = await quoteBoot(options, identity);
    const { softwareVersion, writerLevel, attestationLabel, tokenLabel } = last;
    const same = { softwareVersion, writerLevel, attestationLabel, tokenLabel };
    return this.append({ kind: 'boot', ...identity, ...same, bootQuote: quote, commitments: [] });
  }

  /** An anchor of the tree as it stands. */
  async anchor(lie: AnchorLie = {}): Promise<bigint> {
    const { device, clock, identity } = this.#liar;
    const kind = lie.kind ?? 'anchor';
    const increments = lie.increments ?? (kind === 'counter-anchor' ? 1 : 0);
    for (let done = 0; done < increments; done += 1) await device.incrementCounter(timeoutMs);
    const registers = await device.readRegisters(timeoutMs);
    const plan = this.#plan(kind, lie.counter ?? registers.counter);
    const left = await device.bracket(leftQualifier(plan), timeoutMs);
    const reading = decodeTimeEvidence(clock.evidence());
    const evidence = encodeTimeEvidence(lie.evidence?.(reading) ?? reading);
    const digest = digestOf(identity, plan, evidence);
    const right = await device.bracket(rightQualifier(left.attest, digest), timeoutMs);
    const certified = await device.certifyCounter(counterQualifier(right.attest), timeoutMs);
    const counter = { attest: certified.attest, signature: certified.signature };
    const { pcr, extend: index } = registers;
    if (pcr === null || index === null) throw new Error('the TPM has no registers for anchors');
    const quote = lie.withoutQuote === true ? null : await this.#quote(pcr, digest, counter);
    const step = extendStep(plan, index, digest);
    if (step !== null) await device.extendIndex(step, timeoutMs);
    const extend =
      step === null ? null : await device.certifyExtend(extendQualifier(counter.attest), timeoutMs);
    const checkpoint = await this.#checkpoints.signForAnchor(plan);
    const attested = { left, right, counter, quote, extend };
    return this.append({ ...plan, evidence, checkpoint, ...attested, commitments: [] });
  }

  /** Signed by the log key, of the first `size` entries. */
  async checkpoint(size: bigint = this.size): Promise<Uint8Array> {
    const { note } = await new Checkpoints(this.#liar.signing).sign(this.#head(size));
    return note;
  }

  /** The evidence bundle of an entry, under the whole log. */
  async bundle(index: bigint): Promise<Uint8Array> {
    const nodes = new Map<string, Uint8Array>();
    const tree = new MerkleTree((level, at, hash) => nodes.set(`${level}/${at}`, hash));
    for (const entry of this.entries) tree.append(entry);
    const source = sourceOf({
      checkpoint: await this.checkpoint(),
      entries: this.entries,
      getHash: (level, at) => nodes.get(`${level}/${at}`) ?? ZERO_HASH,
      agentHeads: new Map(),
    });
    return buildBundle(source, index);
  }

  #plan(kind: AnchorEntry['kind'], counterExpected: bigint): AnchorPlan {
    const at = this.lastOf('anchor', 'counter-anchor');
    const last = at === null ? null : this.entry(at);
    const previous = last !== null && isAnchorEntry(last) ? last : null;
    if (at === null || previous === null) throw new Error('the log has no anchor to follow');
    return {
      kind,
      anchorSequence: previous.anchorSequence + 1n,
      previousAnchorIndex: leafIndex(at),
      previousAnchorLeafHash: leafHash(this.entries[Number(at)] ?? new Uint8Array()),
      ...this.#head(this.size),
      agentHeadsRoot: previous.agentHeadsRoot,
      counterExpected,
    };
  }

  /** The PCR extended with D, and quoted. */
  async #quote(from: Uint8Array, digest: Uint8Array, counter: Attestation): Promise<Attestation> {
    const { device, anchorPcr } = this.#liar;
    await device.extendPcr(pcrStep(from, digest), timeoutMs);
    const request = { pcrs: [anchorPcr], qualifyingData: quoteQualifier(counter.attest) };
    const { attest, signature } = await device.quote(request, timeoutMs);
    return { attest, signature };
  }

  #head(size: bigint) {
    const tree = new MerkleTree();
    for (const entry of this.entries.slice(0, Number(size))) tree.append(entry);
    return { size: treeSize(size), root: tree.root() };
  }
}
