/** What the contracts of an attesting TPM check with: node:crypto, and the bytes alone. */
import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify } from 'node:crypto';

import { structures } from '@kudurru/tpm2-tss';

import type { Attestation } from '../../daemon/src/hardware/attestation.ts';
import type { AttestationDeviceDescription } from '../../daemon/src/hardware/device-description.ts';
import { DeviceError } from '../../daemon/src/hardware/device-error.ts';

export const timeoutMs = 20_000;
export const ledgerId = sha256('a ledger of the contract tests');
export const otherLedgerId = sha256('another ledger');
export const nonce = sha256('what a caller binds in');

export function sha256(data: string | Uint8Array): Uint8Array {
  return Uint8Array.from(createHash('sha256').update(data).digest());
}

/** The Name of a public area whose name algorithm is SHA-256 (Part 1 §16). */
export function nameOf(publicArea: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(0x00, 0x0b), sha256(publicArea)]);
}

function attestationKey(
  description: AttestationDeviceDescription,
): ReturnType<typeof createPublicKey> {
  const { key } = structures.parsePublicArea(description.akPublic);
  assert('x' in key);
  const coordinate = (bytes: Uint8Array): string =>
    Buffer.from(structures.padLeft(bytes, 32)).toString('base64url');
  const jwk = { kty: 'EC', crv: 'P-256', x: coordinate(key.x), y: coordinate(key.y) };
  return createPublicKey({ key: jwk, format: 'jwk' });
}

export function assertAttestation(
  attestation: Attestation,
  expected: {
    readonly description: AttestationDeviceDescription;
    readonly type: number;
    readonly extraData: Uint8Array;
  },
): structures.Attest {
  const { description, type, extraData } = expected;
  const key = { key: attestationKey(description), dsaEncoding: 'ieee-p1363' } as const;
  assert.equal(attestation.signature.length, 64);
  assert(verify('sha256', attestation.attest, key, attestation.signature));
  const attest = structures.parseAttest(attestation.attest);
  assert.equal(attest.type, type);
  assert.deepEqual(attest.extraData, extraData);
  assert.deepEqual(attest.qualifiedSigner, description.akQualifiedName);
  assert.equal(attest.firmwareVersion, description.firmwareVersion);
  return attest;
}

/** A check for assert.rejects: the code, and whether the device may have changed. */
export function deviceError(code: string, mayHaveChanged = false): (error: unknown) => boolean {
  return (error) => {
    assert(error instanceof DeviceError, String(error));
    assert.equal(error.code, code, error.message);
    assert.equal(error.deviceMayHaveChanged, mayHaveChanged, error.message);
    return true;
  };
}
