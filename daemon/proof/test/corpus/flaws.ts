/** What a case of the corpus makes wrong, before it is hashed and signed. */
import type { ApplianceDocument } from '../../src/appliance.ts';
import type { AnchorEntry, Entry } from '../../src/entry.ts';
import type { Operator } from '../../src/operator-order.ts';
import type { EnrolmentRequest, SessionRequest, StatementPayload } from '../../src/statement.ts';
import type { TimeEvidence } from '../../src/time-evidence.ts';
import type { Signer } from './keys.ts';
import type { CorpusLedger } from './ledger.ts';
import type { SoftwareTpm, TpmFlaws } from './software-tpm.ts';

type Change<T> = (value: T) => T;
/** An anchor without what every entry begins with. */
export type AnchorDraft = Omit<AnchorEntry, 'previousLeafHash' | 'time' | 'appliance'>;

/** Hooks; everything else of the ledger follows from it correctly. */
export interface Flaws {
  readonly tpm?: TpmFlaws;
  /** Label of the ledger whose provisioning record, and so whose ledgerId, this one copies. */
  readonly impersonated?: string;
  readonly genesisLogKey?: string;
  /** No flaw: whom the provisioning record names. */
  readonly operators?: readonly Operator[];
  readonly document?: (document: ApplianceDocument, tpm: SoftwareTpm) => ApplianceDocument;
  /** Any entry, before it is encoded, with the index that it gets. */
  readonly entry?: (entry: Entry, index: bigint) => Entry;
  readonly enrolment?: Change<EnrolmentRequest>;
  readonly enrolmentSigner?: Signer;
  readonly session?: Change<SessionRequest>;
  readonly sessionSigner?: Signer;
  readonly statement?: Change<StatementPayload>;
  readonly statementSigner?: Signer;
  /** An anchor after its attestations were made, and the index that it gets. */
  readonly anchor?: (draft: AnchorDraft, index: bigint, ledger: CorpusLedger) => AnchorDraft;
  /** The time evidence of an anchor, before it is bound. */
  readonly evidence?: Change<TimeEvidence>;
  /** No flaw: time evidence of version 2 for every anchor. */
  readonly sourcedEvidence?: Uint8Array | undefined;
  /** Runs between L and R, as if the TPM did something else meanwhile. */
  readonly beforeRight?: (tpm: SoftwareTpm) => unknown;
}
