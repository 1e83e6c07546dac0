// What a TPM operation throws. The response code is kept as the stack gave it, never put into text
// and read back.

/** The part of the stack a response code comes from (TCG TSS 2.0 Overview, §3.1 layers). */
export type TpmLayer =
  'tpm' | 'feature' | 'esys' | 'sys' | 'mu' | 'tcti' | 'resource-manager' | 'binding';

const layers: Readonly<Record<number, TpmLayer>> = {
  0: 'tpm',
  6: 'feature',
  7: 'esys',
  8: 'sys',
  9: 'mu',
  10: 'tcti',
  11: 'resource-manager',
  12: 'resource-manager',
};

/** The layer of a TSS2_RC: its third byte. */
export function layerOf(code: number): TpmLayer {
  return layers[(code >>> 16) & 0xff] ?? 'binding';
}

/**
 * `refused`: the TPM answered with an error, nothing changed. `deadline`: no answer in time.
 * `lost`: the connection is finished, open a new one. `transport`: the stack failed below or above
 * the TPM. `argument`: the call did not fit the operation. `queue-full`: too many calls wait.
 * `untrusted-key`: a key that a session was to be salted to is another than it must be.
 */
export type TpmFailure =
  'refused' | 'deadline' | 'lost' | 'transport' | 'argument' | 'queue-full' | 'untrusted-key';

export interface TpmErrorDetail {
  readonly operation: string;
  readonly failure: TpmFailure;
  readonly code: number;
  readonly text: string;
  readonly mayHaveChanged: boolean;
}

export class TpmError extends Error {
  override readonly name = 'TpmError';
  readonly operation: string;
  readonly failure: TpmFailure;
  readonly layer: TpmLayer;
  /** TSS2_RC; 0 where the failure has none. */
  readonly code: number;
  /** The code in words (Tss2_RC_Decode), or ours where there is no code. */
  readonly text: string;
  /** The TPM's lasting state may have changed: read it before doing the same again. */
  readonly mayHaveChanged: boolean;

  constructor(detail: TpmErrorDetail) {
    const code = detail.code === 0 ? '' : ` (code 0x${detail.code.toString(16)})`;
    super(`tpm operation '${detail.operation}' failed: ${detail.text}${code}`);
    this.operation = detail.operation;
    this.failure = detail.failure;
    this.layer = detail.code === 0 ? 'binding' : layerOf(detail.code);
    this.code = detail.code;
    this.text = detail.text;
    this.mayHaveChanged = detail.mayHaveChanged;
  }

  /** True for the TPM's own response code, without the handle, parameter or session number. */
  isTpmCode(code: number): boolean {
    if (this.layer !== 'tpm' || this.code === 0) return false;
    // Part 2 §6.6.2: bit 7 marks a format-one code; bits 6 and 8..11 then say which argument.
    return ((this.code & 0x80) === 0 ? this.code : this.code & 0xbf) === code;
  }
}

/** The value, or undefined where the TPM answered with `code`; any other failure is thrown on. */
export async function unlessTpmCode<Value>(
  code: number,
  attempt: Promise<Value>,
): Promise<Value | undefined> {
  try {
    return await attempt;
  } catch (error) {
    if (error instanceof TpmError && error.isTpmCode(code)) return undefined;
    throw error;
  }
}
