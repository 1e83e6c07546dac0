/**
 * The checks of a bundle on what a whole log holds: who reads the log from its first entry to its
 * last asks here about each entry that somebody signed, with the entries it refers to, and about
 * each checkpoint. The log's own order (chain, tree, references) is the reader's to check.
 */
import type { LocatedEntry } from '../bundle.ts';
import { parseCheckpoint, type Checkpoint } from '../checkpoint.ts';
import { decodeEntry, type EntryKind } from '../entry.ts';
import { decodeProvisioningRecord, ledgerIdOf } from '../identifier.ts';
import type { TrustPolicy } from '../policy.ts';
import { DEFAULT_POLICY } from '../policy.ts';
import { ProofError } from '../proof-error.ts';
import * as anchor from './check-anchor.ts';
import * as appliance from './check-appliance.ts';
import { checkBootQuotes } from './check-boot.ts';
import * as checkpoint from './check-checkpoint.ts';
import { checkAnchorRate } from './check-rate.ts';
import { checkRestores } from './check-restore.ts';
import { checkTimeProfiles } from './check-time.ts';
import * as who from './check-who.ts';
import { Evidence } from './evidence.ts';
import { Finding, skipped } from './finding.ts';
import type { ReplayProblem } from './replay.ts';
import { AnchorReplay } from './replay.ts';
import type { BatchVerifier } from './signatures.ts';
import { SignatureQueue, verifyInTurn } from './signatures.ts';
import type { VerifyOptions } from './verify.ts';

type LogCheck = (evidence: Evidence) => string | Promise<string>;

const anchorChecks: readonly LogCheck[] = [
  anchor.checkAnchorCheckpoints,
  anchor.checkAttestSignatures,
  anchor.checkAnchorBinding,
  anchor.checkAnchorCounter,
  anchor.checkAnchorClock,
  checkRateIfComparable,
  anchor.checkAnchorChain,
  anchor.checkAnchorExtras,
];
const CHECKS_BY_KIND: Partial<Record<EntryKind, readonly LogCheck[]>> = {
  genesis: [appliance.checkAttestationKey, appliance.checkCheckpointKey, appliance.checkIndexes],
  boot: [checkBootQuotes],
  'agent.enrol': [who.checkEnrolment],
  'session.open': [who.checkSession],
  anchor: anchorChecks,
  'counter-anchor': anchorChecks,
  restore: [checkRestores],
  'time.profile': [checkTimeProfiles],
};
const checkpointChecks: readonly LogCheck[] = [
  checkpoint.checkCheckpointOrigin,
  checkpoint.checkLogSignature,
  checkpoint.checkTpmLine,
];

export type LogEntry = Pick<LocatedEntry, 'index' | 'entry'>;

/** The log that one genesis entry begins. */
export class LogAudit {
  readonly #genesis: LogEntry;
  readonly #policy: TrustPolicy;
  readonly #verify: BatchVerifier;
  #replay: AnchorReplay | null = null;

  /** @throws ProofError where entry 0 is no genesis */
  constructor(genesis: Uint8Array, { verifyBatch = verifyInTurn }: VerifyOptions = {}) {
    this.#genesis = { index: 0n, entry: genesis };
    this.#policy = policyOf(genesis);
    this.#verify = verifyBatch;
  }

  /**
   * What is wrong with `subject`, a sentence each; none for a kind that nobody signs.
   * @param references the enrolment of a session; the anchor before an anchor, and the boot entries
   * that both name
   */
  async entry(subject: LogEntry, references: readonly LogEntry[] = []): Promise<string[]> {
    const others = subject.index === 0n ? [] : [this.#genesis, ...references];
    const evidence = this.#evidenceOf(subject, others);
    if (typeof evidence === 'string') return [evidence];
    return problemsOf(evidence, CHECKS_BY_KIND[evidence.subject.entry.kind] ?? []);
  }

  /**
   * What the boot entries and anchors of the whole log contradict in the TPM: asked about each of
   * them, in their order. Empty for other kinds.
   */
  replay(subject: LogEntry): ReplayProblem[] {
    const evidence = this.#evidenceOf(subject, [this.#genesis]);
    // What is not of its form, `entry` says.
    if (typeof evidence === 'string') return [];
    this.#replay ??= new AnchorReplay(evidence.genesis);
    const [boot] = evidence.boots;
    const [anchor] = evidence.anchors;
    const [restore] = evidence.restores;
    if (restore !== undefined) {
      this.#replay.restore(restore);
      return [];
    }
    if (boot !== undefined) return this.#replay.boot(boot);
    return anchor === undefined ? [] : this.#replay.anchor(anchor);
  }

  /** What is wrong with the signed note of a checkpoint; `root` is that of the log at its size. */
  async checkpoint(note: Uint8Array): Promise<string[]> {
    let parsed: Checkpoint;
    try {
      parsed = parseCheckpoint(note);
    } catch (error) {
      if (error instanceof ProofError) return [error.message];
      throw error;
    }
    const evidence = this.#evidenceOf(this.#genesis, [], parsed);
    if (typeof evidence === 'string') return [evidence];
    return problemsOf(evidence, checkpointChecks);
  }

  #evidenceOf(
    subject: LogEntry,
    others: readonly LogEntry[],
    signed?: Checkpoint,
  ): Evidence | string {
    const nothing = { origin: '', size: 0n, root: new Uint8Array(), note: emptyNote };
    try {
      return new Evidence({
        bundle: {
          version: 1,
          proof: new Uint8Array(),
          entry: subject.entry,
          others: others.map(({ index, entry }) => ({ index, entry, path: [] })),
          consistency: [],
          envelopePaths: [],
          disclosures: [],
          agentHead: null,
        },
        proof: {
          index: subject.index,
          path: [],
          checkpointBytes: new Uint8Array(),
          checkpoint: signed ?? nothing,
        },
        policy: this.#policy,
        signatures: new SignatureQueue(this.#verify),
      });
    } catch (error) {
      if (error instanceof Finding) return error.message;
      throw error;
    }
  }
}

const emptyNote = { text: '', signatures: [] };

/** Of a log that is nobody's evidence yet: a kernel may be started anew without the TPM. */
function checkRateIfComparable(evidence: Evidence): string {
  try {
    return checkAnchorRate(evidence);
  } catch (error) {
    if (error instanceof Finding && error.outcome === 'unverifiable') throw skipped(error.message);
    throw error;
  }
}

async function problemsOf(evidence: Evidence, checks: readonly LogCheck[]): Promise<string[]> {
  const problems = await Promise.all(
    checks.map(async (check) => {
      try {
        await check(evidence);
        return null;
      } catch (error) {
        if (error instanceof Finding) return error.outcome === 'skipped' ? null : error.message;
        if (error instanceof ProofError) return error.message;
        throw error;
      }
    }),
  );
  return problems.filter((problem) => problem !== null);
}

/** What the log says of itself: whether a reader trusts it is not asked here. */
function policyOf(genesis: Uint8Array): TrustPolicy {
  const entry = decodeEntry(genesis);
  if (entry.kind !== 'genesis') throw new ProofError('entry-invalid', 'entry 0 is no genesis');
  const { provisioningRecord, logKey } = entry;
  return {
    ...DEFAULT_POLICY,
    version: 1,
    name: 'the log itself',
    ledgerId: ledgerIdOf(provisioningRecord),
    origin: decodeProvisioningRecord(provisioningRecord).origin,
    logKey,
    appliances: [],
  };
}
