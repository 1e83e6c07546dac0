/**
 * Who signed: a reset of the TPM empties it, and the key that is loaded next gets the handle of one
 * that we still hold. So a handle is compared with its key, and every attestation with its signer.
 */
import { parseAttest } from '@kudurru/proof';
import type { ObjectHandle, Tpm } from '@kudurru/tpm2-tss';

import type { Deadline } from '../deadline.ts';
import { KeyLostError } from './tpm-failure.ts';

/**
 * Of a key that was loaded as `publicArea`. After a reset of the TPM the key that is loaded next
 * gets the same handle.
 * @throws KeyLostError where the handle has another one
 */
export async function qualifiedNameOf(
  tpm: Tpm,
  what: { readonly key: ObjectHandle; readonly publicArea: Uint8Array },
  deadline: Deadline,
): Promise<Uint8Array> {
  const shown = await tpm.keys.readPublic(what.key, { timeoutMs: deadline.remainingMs() });
  if (Buffer.compare(shown.publicArea, what.publicArea) !== 0) throw new KeyLostError();
  return shown.qualifiedName;
}

/** @throws KeyLostError where the attestation key did not sign it */
export function requireSigner<Made extends { readonly attest: Uint8Array }>(
  { akQualifiedName }: { readonly akQualifiedName: Uint8Array },
  made: Made,
): Made {
  const { qualifiedSigner } = parseAttest(made.attest);
  if (Buffer.compare(qualifiedSigner, akQualifiedName) !== 0) throw new KeyLostError();
  return made;
}
