/**
 * Signed checkpoints. Each is durable in the journal before anybody sees it, so that the daemon can
 * never start with a tree that a checkpoint of its own contradicts without noticing.
 */
import {
  encodeUtf8,
  formatCheckpoint,
  formatTreeHead,
  derOfP1363,
  type NoteSignature,
  type VerifierKey,
  verifierKeyId,
} from '@kudurru/proof';

import type { AttestationDevice } from '../hardware/attestation-device.ts';
import type { SigningToken } from '../hardware/signing-token.ts';
import type { AnchorLedger, Head } from './ports.ts';

export interface CheckpointOptions {
  readonly origin: string;
  /** Line 0x01, by the token. */
  readonly logKey: VerifierKey;
  /** Line 0x02, by the TPM. */
  readonly applianceKey: VerifierKey;
  readonly token: Pick<SigningToken, 'sign'>;
  readonly device: Pick<AttestationDevice, 'signCheckpoint'>;
  readonly ledger: Pick<AnchorLedger, 'recordCheckpoint'>;
  readonly deviceTimeoutMs: number;
}

export interface SignedHead extends Head {
  readonly note: Uint8Array;
}

export class Checkpoints {
  readonly #options: CheckpointOptions;
  #latest: SignedHead | null = null;
  #published: SignedHead | null = null;

  constructor(options: CheckpointOptions) {
    this.#options = options;
  }

  /** The newest that is durable: what may be shown. */
  get latest(): SignedHead | null {
    return this.#latest;
  }

  /** The newest whose tree can be read outside, and which covers an anchor. */
  get published(): SignedHead | null {
    return this.#published;
  }

  notePublished(head: SignedHead): void {
    this.#published = head;
  }

  /** With the log key's line only. Gives the same note again for the same tree. */
  async sign(head: Head): Promise<SignedHead> {
    if (this.#latest?.size === head.size) return this.#latest;
    const text = formatTreeHead({ origin: this.#options.origin, ...head });
    return this.#keep(head, [await this.#logLine(text)]);
  }

  /** With the line of the TPM checkpoint key too: what an anchor carries. */
  async signForAnchor(head: Head): Promise<Uint8Array> {
    const text = formatTreeHead({ origin: this.#options.origin, ...head });
    const lines = [await this.#logLine(text), await this.#applianceLine(text)];
    const note = formatCheckpoint({ origin: this.#options.origin, ...head }, lines);
    await this.#options.ledger.recordCheckpoint(note);
    return note;
  }

  async #keep(head: Head, lines: readonly NoteSignature[]): Promise<SignedHead> {
    const note = formatCheckpoint({ origin: this.#options.origin, ...head }, lines);
    await this.#options.ledger.recordCheckpoint(note);
    const signed = { ...head, note };
    if (this.#latest === null || this.#latest.size < head.size) this.#latest = signed;
    return signed;
  }

  async #logLine(text: string): Promise<NoteSignature> {
    const { token, logKey, deviceTimeoutMs } = this.#options;
    const signature = await token.sign(encodeUtf8(text), deviceTimeoutMs);
    return { name: logKey.name, keyId: verifierKeyId(logKey), signature };
  }

  async #applianceLine(text: string): Promise<NoteSignature> {
    const { device, applianceKey, deviceTimeoutMs } = this.#options;
    const signature = await device.signCheckpoint(encodeUtf8(text), deviceTimeoutMs);
    return {
      name: applianceKey.name,
      keyId: verifierKeyId(applianceKey),
      signature: derOfP1363(signature),
    };
  }
}
