import assert from 'node:assert/strict';

import { sha256, ZERO_HASH } from '@kudurru/proof';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import type { Committed, SessionHead } from '../src/messages.ts';
import { Outbox } from '../src/outbox.ts';
import type { Prepared, Submission } from '../src/submission.ts';

/** What the ledger, the network and the program do next. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.constant('submit' as const) },
  { weight: 4, arbitrary: fc.constant('send' as const) },
  { weight: 4, arbitrary: fc.constant('commit' as const) },
  { weight: 1, arbitrary: fc.constant('refuse' as const) },
  { weight: 1, arbitrary: fc.constant('lose-connection' as const) },
  { weight: 1, arbitrary: fc.constant('lose-connection-after-commit' as const) },
);
type Step = typeof step extends fc.Arbitrary<infer Kind> ? Kind : never;

/** A ledger that holds one session, and an outbox that talks to it. */
class Exchange {
  readonly settled: string[] = [];
  readonly stands: string[] = [];
  readonly expected: string[] = [];
  readonly #outbox = new Outbox((prepared, head) => signed(prepared, head));
  readonly #names = new Map<Prepared, string>();
  readonly #wire: Submission[] = [];
  readonly #signed = new Map<Uint8Array, Submission>();
  readonly #receipts = new Map<string, Committed>();
  #head: SessionHead = { nextSequence: 0n, previousStatementHash: ZERO_HASH };
  #count = 0;

  constructor() {
    this.#outbox.opened(this.#head);
  }

  take(kind: Step): void {
    if (kind === 'submit') this.#submit();
    else if (kind === 'send') this.#send();
    else if (kind === 'commit') this.#answer(false);
    else if (kind === 'refuse') this.#answer(true);
    else {
      const [first] = this.#wire;
      // One that continues a refused statement has no place in the ledger.
      const follows = first?.firstSequence === this.#head.nextSequence;
      if (kind === 'lose-connection-after-commit' && follows) this.#store(first);
      this.#wire.length = 0;
      this.#outbox.disconnected();
      this.#outbox.opened(this.#head);
    }
  }

  /** Answers until nothing is left to say. */
  finish(): void {
    for (let left = 10_000; left > 0 && !this.#outbox.isIdle; left--) {
      this.#send();
      this.#answer(false);
    }
    assert.ok(this.#outbox.isIdle);
  }

  #submit(): void {
    const name = `submission ${this.#count++}`;
    const prepared: Prepared = { envelopes: [new Uint8Array(1)], bodies: [], root: ZERO_HASH };
    this.#names.set(prepared, name);
    this.expected.push(name);
    this.#outbox.add({
      prepared,
      level: 1,
      committed: () => this.settled.push(name),
      failed: () => {
        this.settled.push(name);
        this.expected.splice(this.expected.indexOf(name), 1);
      },
    });
  }

  #send(): void {
    const frame = this.#outbox.next(3);
    if (frame === null) return;
    // The frame of a statement that is sent again is the very same bytes.
    const submission = this.#signed.get(frame) ?? lastSigned;
    assert.ok(submission !== null && submission.frame === frame);
    this.#signed.set(frame, submission);
    this.#wire.push(submission);
  }

  #answer(refuses: boolean): void {
    const submission = this.#wire.shift();
    if (submission === undefined) return;
    const { firstSequence } = submission;
    const isNext = firstSequence === this.#head.nextSequence;
    const stored = this.#receipts.get(placeOf(submission));
    if (stored === undefined && (refuses || !isNext)) {
      const refusal = { code: 'no', message: 'no', retry: 'never' } as const;
      this.#outbox.onRefused({ ...refusal, firstSequence });
    } else this.#outbox.onCommitted(stored ?? this.#store(submission));
  }

  #store(submission: Submission): Committed {
    const place = placeOf(submission);
    const known = this.#receipts.get(place);
    if (known !== undefined) return known;
    assert.equal(submission.firstSequence, this.#head.nextSequence);
    assert.deepEqual(submission.headBefore, this.#head);
    const index = 2n * BigInt(this.stands.length);
    const receipt: Committed = {
      firstSequence: submission.firstSequence,
      firstIndex: index,
      count: 1,
      treeSize: index + 2n,
      root: ZERO_HASH,
      taiNs: 0n,
    };
    this.#receipts.set(place, receipt);
    this.stands.push(this.#names.get(submission.prepared) ?? 'unknown');
    this.#head = submission.headAfter;
    return receipt;
  }
}

let lastSigned: Submission | null = null;

function signed(prepared: Prepared, head: SessionHead): Submission {
  const statement = sha256(head.previousStatementHash, Uint8Array.of(Number(head.nextSequence)));
  lastSigned = {
    prepared,
    sessionId: ZERO_HASH,
    firstSequence: head.nextSequence,
    statement,
    frame: Uint8Array.from(statement),
    headBefore: head,
    headAfter: { nextSequence: head.nextSequence + 1n, previousStatementHash: statement },
  };
  return lastSigned;
}

/** A ledger knows a statement by its place and its bytes. */
function placeOf({ firstSequence, statement }: Submission): string {
  return `${firstSequence} ${Buffer.from(statement).toString('hex')}`;
}

describe('outbox', () => {
  it('settles every submission once, and all that were not refused stand once and in order', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const exchange = new Exchange();
        for (const kind of steps) exchange.take(kind);
        exchange.finish();
        assert.deepEqual(exchange.stands, exchange.expected);
        assert.equal(new Set(exchange.settled).size, exchange.settled.length);
        assert.equal(exchange.settled.length, steps.filter((kind) => kind === 'submit').length);
      }),
      { numRuns: 300 },
    );
  });
});
