/**
 * Anchors the tree while there is activity. The steps of one anchor, and what a crash after each
 * leaves:
 *
 *   1. plan: tree, place in the chain of anchors, counter value          nothing
 *   2. prepare record durable                                            finished at the next start
 *   3. what the maker does with the TPM                                  finished: see maker.ts
 *   4. anchor entry durable                                              anchored
 *   5. checkpoint of the log key over the anchor entry recorded          made anew when asked for
 *   6. receipts pushed                                                   the bundle has the same
 *
 * One at a time. A device that fails stops only this: entries go on, one alarm is raised, and
 * anchoring is tried again with growing pauses.
 */
import { KudurruError, reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { treeSize, type LeafIndex, type TreeSize } from '../base/units.ts';
import type { Checkpoints, SignedHead } from './checkpoints.ts';
import type { AnchorMaker, AnchorUnderWay } from './maker.ts';
import { encodePlan, type AnchorKind, type AnchorPlan } from './plan.ts';
import { lastAnchorOf, type AnchorLedger, type LastAnchor } from './ports.ts';
import type { PreparedAnchor } from './prepared.ts';
import { AwaitedReceipts, type AnchoredReceipt, type Awaiting } from './receipts.ts';
import { nextAnchor, type ScheduleOptions } from './schedule.ts';

export interface AnchorerOptions {
  readonly schedule: ScheduleOptions;
  readonly ledger: AnchorLedger;
  readonly maker: AnchorMaker;
  readonly checkpoints: Checkpoints;
  readonly counterBase: bigint;
  readonly lastAnchor: LastAnchor | null;
  /** Size that the last counter-anchor covers through the anchor before it; for the status. */
  readonly countedSize: TreeSize;
  /** Makes the tree of this checkpoint readable outside; durable already. */
  readonly publish: (head: SignedHead) => Promise<void>;
  readonly pushReceipts: (receipts: readonly AnchoredReceipt[]) => void;
  readonly raiseAlarm: (code: string, message: string) => void;
  /** What ends the daemon: the ledger could not be written. */
  readonly fail: (error: unknown) => void;
  /** Milliseconds that never go back. */
  readonly nowMs: () => number;
  readonly log: Log;
}

export class Anchorer {
  readonly #options: AnchorerOptions;
  readonly #awaited = new AwaitedReceipts();
  #covering: { readonly index: LeafIndex; readonly resolve: () => void }[] = [];
  #lastAnchor: LastAnchor | null;
  #countedSize: TreeSize;
  #activeSinceMs: number | null = null;
  #lastAnchorMs: number | null = null;
  #lastCounterMs: number | null = null;
  #failures = 0;
  #lastFailureMs: number | null = null;
  /** Prepared and not finished; nothing newer may be anchored before it. */
  #unfinished: AnchorUnderWay | null = null;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  /** Entries below this have an anchor that a published checkpoint covers. */
  #shownSize = treeSize(0n);
  #stopped = false;

  constructor(options: AnchorerOptions) {
    this.#options = options;
    this.#lastAnchor = options.lastAnchor;
    this.#countedSize = options.countedSize;
  }

  get lastAnchor(): LastAnchor | null {
    return this.#lastAnchor;
  }

  /** Milliseconds since the last anchor of this run; null before it. */
  get ageMs(): number | null {
    return this.#lastAnchorMs === null ? null : this.#options.nowMs() - this.#lastAnchorMs;
  }

  /** Milliseconds since the last counter-anchor of this run; null before it. */
  get countedAgeMs(): number | null {
    return this.#lastCounterMs === null ? null : this.#options.nowMs() - this.#lastCounterMs;
  }

  get failures(): number {
    return this.#failures;
  }

  /** Entries below this are covered by an anchor that an increment covers. */
  get countedSize(): TreeSize {
    return this.#countedSize;
  }

  /** Something worth an anchor became durable. */
  noteActivity(awaiting: readonly Awaiting[]): void {
    this.#activeSinceMs ??= this.#options.nowMs();
    if (awaiting.length > 0) this.#awaited.add(awaiting);
    this.#arm();
  }

  /** Resolves when an anchor that can be shown covers the entry: the next one is made soon. */
  cover(index: LeafIndex): Promise<void> {
    if (index < this.#shownSize) return Promise.resolve();
    return new Promise((resolve) => {
      this.#covering.push({ index, resolve });
      this.noteActivity([]);
    });
  }

  /** At the start: finishes what was under way, then counts this run. Failure is the caller's. */
  async start(unfinished: PreparedAnchor | null): Promise<void> {
    if (unfinished !== null) await this.#finish({ prepared: unfinished });
    await this.#anchor('counter-anchor');
  }

  /** The last increment of a run. No anchor is made afterwards. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#disarm();
    await this.#running;
    await this.#anchor('counter-anchor');
  }

  #arm(): void {
    if (this.#stopped || this.#running !== null) return;
    this.#disarm();
    const nowMs = this.#options.nowMs();
    const due = nextAnchor(this.#options.schedule, {
      nowMs,
      lastAnchorMs: this.#lastAnchorMs,
      lastCounterMs: this.#lastCounterMs,
      activeSinceMs: this.#activeSinceMs,
      awaited: this.#awaited.size > 0 || this.#covering.length > 0,
      failures: this.#failures,
      lastFailureMs: this.#lastFailureMs,
    });
    if (due === null) return;
    this.#timer = setTimeout(() => {
      this.#running = this.#attempt(due.kind).finally(() => {
        this.#running = null;
        this.#arm();
      });
    }, due.atMs - nowMs);
  }

  #disarm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #attempt(kind: AnchorKind): Promise<void> {
    try {
      await this.#anchor(kind);
      if (this.#failures > 0) this.#options.log.info('anchoring works again');
      this.#failures = 0;
      this.#lastFailureMs = null;
    } catch (error) {
      if (error instanceof KudurruError && error.retry === 'restart') {
        this.#options.fail(error);
        return;
      }
      this.#noteFailure(error);
    }
  }

  #noteFailure(error: unknown): void {
    this.#failures += 1;
    this.#lastFailureMs = this.#options.nowMs();
    this.#options.log.error('anchor not made', error, { failures: this.#failures });
    if (this.#failures > 1) return;
    const code = error instanceof KudurruError ? error.code : 'anchor-failed';
    this.#options.raiseAlarm(code, `anchoring pauses: ${reasonOf(error)}`);
  }

  async #anchor(kind: AnchorKind): Promise<void> {
    if (this.#unfinished !== null) await this.#finish(this.#unfinished);
    // All that came before this moment is in the plan's tree.
    this.#activeSinceMs = null;
    try {
      const plan = await this.#plan(kind);
      await this.#options.ledger.recordPlan(encodePlan(plan));
      await this.#finish({ prepared: { plan, bound: null } });
    } catch (error) {
      this.#activeSinceMs ??= this.#options.nowMs();
      throw error;
    }
  }

  async #plan(kind: AnchorKind): Promise<AnchorPlan> {
    const previous = this.#lastAnchor;
    const counted = previous?.counterExpected ?? this.#options.counterBase;
    // The first anchor is counted: a value above the base shows that the counter moves for us.
    const counts = kind === 'counter-anchor' || previous === null;
    return {
      kind: counts ? 'counter-anchor' : 'anchor',
      anchorSequence: previous === null ? 0n : previous.anchorSequence + 1n,
      previousAnchorIndex: previous?.index ?? null,
      previousAnchorLeafHash: previous?.leafHash ?? new Uint8Array(32),
      ...(await this.#options.ledger.snapshot()),
      counterExpected: counts ? counted + 1n : counted,
    };
  }

  /** Steps 3 to 6. */
  async #finish(underWay: AnchorUnderWay): Promise<void> {
    this.#unfinished = underWay;
    const { plan } = underWay.prepared;
    const { maker, ledger, checkpoints, pushReceipts, nowMs, log } = this.#options;
    const content = await maker.make(underWay);
    const placed = await ledger.appendAnchor(content);
    maker.settle(underWay);
    this.#unfinished = null;
    if (plan.kind === 'counter-anchor') {
      this.#countedSize = this.#lastAnchor?.size ?? treeSize(0n);
      this.#lastCounterMs = nowMs();
    }
    this.#lastAnchor = lastAnchorOf(placed, content);
    this.#lastAnchorMs = nowMs();
    log.debug('anchored', { kind: plan.kind, index: placed.index, size: plan.size });
    const covering = await checkpoints.sign(ledger.head());
    await this.#options.publish(covering);
    this.#shownSize = plan.size;
    pushReceipts(await this.#awaited.take(this.#lastAnchor, covering, ledger));
    const covered = this.#covering.filter(({ index }) => index < plan.size);
    this.#covering = this.#covering.filter(({ index }) => index >= plan.size);
    for (const { resolve } of covered) resolve();
  }
}
