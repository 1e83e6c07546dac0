/**
 * Forged attestations: what a daemon that lies, with all its keys but no real TPM behind it or one
 * that it uses for something else, could put into a bundle. Each says which check refuses it.
 */
import type { Flaws } from './flaws.ts';
import { CorpusLedger } from './ledger.ts';
import type { RejectCase } from './reject-case.ts';
import type { Registers } from './registers.ts';
import { withRegisters } from './registers.ts';
import type { Exhibit } from './scenario.ts';
import { exhibit, observationEnvelope } from './scenario.ts';

export interface CountedOptions extends Registers {
  /** Runs before the second anchor. */
  readonly between?: (ledger: CorpusLedger) => unknown;
  /** Runs while the second anchor is made. An index is the subject, which a third one covers. */
  readonly during?: (ledger: CorpusLedger) => bigint | void;
}

/** Two counter-anchors with an action between them, on a box with a PCR and an extend index. */
export function ofCounted(
  flaws: Flaws = {},
  { between, during, ...registers }: CountedOptions = {},
): Promise<Exhibit> {
  const ledger = new CorpusLedger('alpha', withRegisters(flaws, registers));
  const session = ledger.openSession(ledger.enrol('clerk'));
  ledger.anchor('counter-anchor');
  const [index = 0n] = ledger.submit(session, [observationEnvelope()]);
  between?.(ledger);
  const later: bigint[] = [];
  ledger.anchor('counter-anchor', () => {
    const own = during?.(ledger);
    if (typeof own === 'bigint') later.push(own);
  });
  if (later.length > 0) ledger.anchor('anchor');
  ledger.alarm();
  return exhibit({ ledger }, later[0] ?? index);
}

/** The TPM is reset, and the daemon says so. */
export function resetTpm(ledger: CorpusLedger): void {
  ledger.tpm.resetCount += 1;
  ledger.tpm.clockMs += 1n;
  ledger.tpm.pcrs.clear();
  ledger.boot();
}

/**
 * As `ofCounted`, but the daemon ended when the second anchor had extended the PCR: two runs found
 * it so, and the second of them finished the anchor. The subject is of the first of them.
 */
export async function ofInterrupted(): Promise<Exhibit> {
  let underWay: Uint8Array = new Uint8Array(0);
  await ofCounted(
    {},
    {
      extendBy({ tpm }, { counterExpected }, digest) {
        tpm.extendBy(digest, counterExpected);
        underWay = digest; // the same in the ledger below
      },
    },
  );
  return ofCounted(
    {},
    {
      during(ledger) {
        ledger.tpm.extendBy(underWay, ledger.tpm.counter);
        ledger.boot();
        const index = ledger.alarm();
        ledger.boot();
        return index;
      },
      extendBy({ tpm }, { anchorSequence, counterExpected }, digest) {
        if (anchorSequence === 1n) return;
        tpm.extendBy(digest, anchorSequence === 0n ? counterExpected : null);
      },
    },
  );
}

/** What refuses it: the check, and those that cannot but refuse it too. */
export type Refusal = string | readonly [check: string, ...also: string[]];

/** A case of a flaw in an otherwise right ledger. */
export function forged(name: string, refusal: Refusal, flaws: Flaws): RejectCase {
  return forgedBy(name, refusal, () => ofCounted(flaws));
}

export function forgedBy(name: string, refusal: Refusal, make: () => Promise<Exhibit>): RejectCase {
  const [check, ...also] = typeof refusal === 'string' ? [refusal] : refusal;
  return { name, check, also, overall: 'INVALID', make };
}
