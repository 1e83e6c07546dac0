/**
 * TPM and journal contradict each other: what was found, against what the journal leads to. Typed,
 * so that a start that was refused can say what an operator would have to sign to go on.
 */
import { KudurruError } from '../base/errors.ts';
import type { Registers } from '../hardware/anchor-registers.ts';

/**
 * Where the two differ. `tpm-boot`: the TPM was reset less often than the journal has it.
 * `tpm-clock`: its clock went back without a reset. `prepare-record`: an anchor was prepared that
 * is not the next.
 */
export type ContradictionKind =
  'counter' | 'extend-index' | 'pcr' | 'tpm-boot' | 'tpm-clock' | 'prepare-record';

export interface Contradiction {
  readonly kind: ContradictionKind;
  /** What is shown; decimal, or hexadecimal for byte strings. */
  readonly found: string;
  /** What the journal allows, in the same form. */
  readonly wanted: readonly string[];
}

export class AnchorContradiction extends KudurruError {
  /** At least one. */
  readonly contradictions: readonly Contradiction[];
  /** What the TPM showed. */
  readonly registers: Registers;

  constructor(what: string, contradictions: readonly Contradiction[], registers: Registers) {
    const told = contradictions.map(tell).join('; ');
    const advice = [...new Set(contradictions.map(({ kind }) => advices[kind]))].join('; ');
    super('anchor-contradiction', `${what}: ${told}; ${advice}`);
    this.contradictions = contradictions;
    this.registers = registers;
  }
}

const names: Readonly<Record<ContradictionKind, string>> = {
  counter: 'the TPM counter',
  'extend-index': "the TPM's extend index",
  pcr: 'the anchor PCR',
  'tpm-boot': 'the count of TPM resets and restarts',
  'tpm-clock': "the TPM's clock",
  'prepare-record': 'the newest prepare record',
};

const olderJournal =
  'the journal is older than the TPM has seen it, or something else has moved the TPM: restore ' +
  'the newest journal';
const otherTpm =
  'the TPM is another one, or its state was set back: use the one this ledger began with';

const advices: Readonly<Record<ContradictionKind, string>> = {
  counter: `either ${olderJournal}; or ${otherTpm}`,
  'extend-index': olderJournal,
  pcr: `${olderJournal}; a PCR that something else has extended begins anew with the TPM's reset`,
  'tpm-boot': otherTpm,
  'tpm-clock': otherTpm,
  'prepare-record': 'the journal is not as it was written: restore it',
};

function tell({ kind, found, wanted }: Contradiction): string {
  return `${names[kind]} shows ${found}, the ledger has ${wanted.join(' or ')}`;
}
