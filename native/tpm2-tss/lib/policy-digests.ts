// Digests of policies, computed without a TPM (Part 3 §23, "policyDigest" of each command): what an
// object is made under, and what a person or a key signs. SHA-256 throughout.
import { createHash } from 'node:crypto';

import { type Comparison, type Hierarchy, command } from './constants.ts';
import { encodePcrSelection } from './structures.ts';
import { concat, u16, u32 } from './wire.ts';

const none = new Uint8Array(0);

/** Before the first condition. */
export const empty: Uint8Array = new Uint8Array(32);

/** §23.7: `values` are those of `pcrs`, SHA-256 bank, in ascending order of the PCRs. */
export function withPcrs(
  previous: Uint8Array,
  pcrs: readonly number[],
  values: readonly Uint8Array[],
): Uint8Array {
  if (values.length !== pcrs.length) {
    throw new RangeError(`policy of ${pcrs.length} PCRs got ${values.length} values`);
  }
  return hash(previous, u32(command.policyPcr), encodePcrSelection(pcrs), hash(...values));
}

/** §23.16: forgets what came before; `keyName` is the approving key's. */
export function authorized(keyName: Uint8Array, policyRef: Uint8Array = none): Uint8Array {
  return update(empty, command.policyAuthorize, { name: keyName, policyRef });
}

/** What the approving key signs: aHash of §23.16 is the SHA-256 of these bytes. */
export function approvalMessage(
  approvedPolicy: Uint8Array,
  policyRef: Uint8Array = none,
): Uint8Array {
  return concat([approvedPolicy, policyRef]);
}

/** §23.10. */
export function withCounterTimer(
  previous: Uint8Array,
  condition: {
    readonly operand: Uint8Array;
    readonly offset: number;
    readonly comparison: Comparison;
  },
): Uint8Array {
  const { operand, offset, comparison } = condition;
  const asked = hash(operand, u16(offset), u16(comparison));
  return hash(previous, u32(command.policyCounterTimer), asked);
}

/** §23.4: `entity` is an object's Name, or a hierarchy, whose Name is its handle. */
export function withSecret(
  previous: Uint8Array,
  entity: Uint8Array | Hierarchy,
  policyRef: Uint8Array = none,
): Uint8Array {
  const name = typeof entity === 'number' ? u32(entity) : entity;
  return update(previous, command.policySecret, { name, policyRef });
}

/** §23.3. */
export function withSigned(
  previous: Uint8Array,
  keyName: Uint8Array,
  policyRef: Uint8Array = none,
): Uint8Array {
  return update(previous, command.policySigned, { name: keyName, policyRef });
}

/** What the signer signs: aHash of §23.3 is the SHA-256 of these bytes. */
export function signedMessage(condition: {
  readonly nonce?: Uint8Array;
  readonly expirationSeconds?: number;
  readonly policyRef?: Uint8Array;
}): Uint8Array {
  const { nonce = none, expirationSeconds = 0, policyRef = none } = condition;
  return concat([nonce, u32(expirationSeconds), policyRef]);
}

/** PolicyUpdate() of §23.2.3. */
function update(
  previous: Uint8Array,
  code: number,
  by: { readonly name: Uint8Array; readonly policyRef: Uint8Array },
): Uint8Array {
  return hash(hash(previous, u32(code), by.name), by.policyRef);
}

function hash(...parts: readonly Uint8Array[]): Uint8Array {
  const made = createHash('sha256');
  for (const part of parts) made.update(part);
  return Uint8Array.from(made.digest());
}
