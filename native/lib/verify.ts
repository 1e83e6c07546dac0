// Signatures under the acceptance rule of SPEC.md §2.1, the same as in @kudurru/proof.
import { checkBytes } from './arguments.ts';
import { nativePart } from './load.ts';

/** COSE algorithm numbers (RFC 9864). */
export const ED25519 = -19;
export const ESP256 = -9;

const algorithms: readonly number[] = [ED25519, ESP256];

export interface SignatureItem {
  readonly alg: typeof ED25519 | typeof ESP256;
  /** Ed25519: 32 bytes. ESP256: the uncompressed point, 0x04 ‖ x ‖ y. Any other is not accepted. */
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  /** 64 bytes; ESP256: r ‖ s. */
  readonly signature: Uint8Array;
}

interface VerifyPart {
  verifySignature(
    alg: number,
    publicKey: Uint8Array,
    message: Uint8Array,
    signature: Uint8Array,
  ): boolean;
  verifyBatch(values: readonly (number | Uint8Array)[]): Promise<Uint8Array>;
}

const native = nativePart<VerifyPart>();

/**
 * Whether the signature is accepted; false for a malformed key or signature.
 * Keys are parsed once and remembered.
 */
export function verifySignature(item: SignatureItem): boolean {
  checkItem(item, 'item');
  return native.verifySignature(item.alg, item.publicKey, item.message, item.signature);
}

/** The same for many items, on all processors, without holding the event loop; in their order. */
export async function verifyBatch(items: readonly SignatureItem[]): Promise<boolean[]> {
  if (!Array.isArray(items)) throw new TypeError('items is not an array');
  const values = items.flatMap((item: SignatureItem, index) => {
    checkItem(item, `items[${index}]`);
    return [item.alg, item.publicKey, item.message, item.signature];
  });
  const accepted = await native.verifyBatch(values);
  return Array.from(accepted, (flag) => flag === 1);
}

function checkItem(item: SignatureItem, name: string): void {
  if (!algorithms.includes(item.alg)) {
    throw new RangeError(`${name}.alg is ${String(item.alg)}, not ${algorithms.join(' or ')}`);
  }
  checkBytes(item.publicKey, `${name}.publicKey`);
  checkBytes(item.message, `${name}.message`);
  checkBytes(item.signature, `${name}.signature`);
}
