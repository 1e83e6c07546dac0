/**
 * Secrets that the TPM opens only in boots that a key outside the box has approved: sealed under
 * the storage root key with PolicyAuthorize, and no authorisation value besides. Data crosses the
 * bus in sessions that are salted to the endorsement key of the provisioning and encrypted.
 */
import { createHash } from 'node:crypto';

import {
  type ObjectHandle,
  type SessionHandle,
  type Tpm,
  policyDigests,
  structures,
  templates,
  TpmError,
} from '@kudurru/tpm2-tss';

import type { BootApproval } from '../boot-approval.ts';
import type { Deadline } from '../deadline.ts';
import { approvalMessage, bootPolicy, pinPolicyRef } from './boot-policy.ts';
import { openEndorsementKey } from './tpm-endorsement.ts';
import { openStorageRoot } from './tpm-provisioning.ts';
import type { ProvisionedTpm } from './tpm-state.ts';

/** Without our keys: a sealed object, and its parent while it is used, take two of three places. */
export interface EmptyTpm {
  readonly tpm: Tpm;
  readonly state: ProvisionedTpm;
}

export interface SealedParts {
  readonly publicArea: Uint8Array;
  readonly privatePart: Uint8Array;
}

/** Who says in which boots it opens. */
export interface SealingAuthority {
  readonly ledgerId: Uint8Array;
  /** P-256, x ‖ y. */
  readonly approvalKey: Uint8Array;
}

export async function sealSecret(
  empty: EmptyTpm,
  what: { readonly data: Uint8Array; readonly authority: SealingAuthority },
  deadline: Deadline,
): Promise<SealedParts> {
  const { tpm, state } = empty;
  const { ledgerId } = what.authority;
  const keyName = structures.nameOf(publicAreaOf(what.authority));
  const authPolicy = policyDigests.authorized(keyName, pinPolicyRef(ledgerId));
  const root = await openStorageRoot(tpm, deadline);
  const endorsement = await openEndorsementKey(tpm, state.ekProfile, deadline);
  const salt = { key: endorsement.key, publicArea: state.ekPublic };
  const session = await tpm.sessions.startHmac({ salt, timeoutMs: deadline.remainingMs() });
  try {
    if (endorsement.transient) await flushKey(empty, endorsement.key, deadline);
    const definition = { data: what.data, authPolicy, outsideInfo: ledgerId };
    const options = { timeoutMs: deadline.remainingMs(), sessions: [session] };
    const { publicArea, privatePart } = await tpm.sealed.create(root, definition, options);
    return { publicArea, privatePart };
  } finally {
    await tpm.sessions.flush(session, { timeoutMs: deadline.remainingMs() });
  }
}

/** With an approval of this boot; the TPM checks it again. */
export async function unsealSecret(
  empty: EmptyTpm,
  what: {
    readonly sealed: SealedParts;
    readonly authority: SealingAuthority;
    readonly approval: BootApproval;
  },
  deadline: Deadline,
): Promise<Uint8Array> {
  const { tpm } = empty;
  const ticket = await ticketFor(empty, what, deadline);
  const session = await startPinnedPolicy(empty, deadline);
  const root = await openStorageRoot(tpm, deadline);
  let object: ObjectHandle | undefined;
  try {
    object = await tpm.keys.load(root, what.sealed, { timeoutMs: deadline.remainingMs() });
    const { values } = what.approval;
    const pcrs = values.map(({ pcr }) => pcr);
    await tpm.policies.pcr(session, { pcrs }, { timeoutMs: deadline.remainingMs() });
    const approved = {
      approvedPolicy: bootPolicy(values),
      policyRef: pinPolicyRef(what.authority.ledgerId),
      keyName: structures.nameOf(publicAreaOf(what.authority)),
      ticket,
    };
    await tpm.policies.authorize(session, approved, { timeoutMs: deadline.remainingMs() });
    const options = { timeoutMs: deadline.remainingMs(), sessions: [session] };
    return await tpm.sealed.unseal(object, options);
  } catch (error) {
    // The TPM drops a policy session after its use, and keeps it where a command was refused.
    if (error instanceof TpmError && error.failure === 'refused') {
      await tpm.sessions.flush(session, { timeoutMs: deadline.remainingMs() });
    }
    throw error;
  } finally {
    if (object !== undefined) await flushKey(empty, object, deadline);
  }
}

/** The TPM's word that the approving key signed this policy. */
async function ticketFor(
  empty: EmptyTpm,
  what: { readonly authority: SealingAuthority; readonly approval: BootApproval },
  deadline: Deadline,
): Promise<Uint8Array> {
  const { tpm } = empty;
  const { authority, approval } = what;
  const timeoutMs = deadline.remainingMs();
  const key = await tpm.keys.loadExternal(publicAreaOf(authority), undefined, { timeoutMs });
  try {
    const message = approvalMessage(authority.ledgerId, approval.values);
    const digest = createHash('sha256').update(message).digest();
    const signed = { digest, signature: approval.signature };
    return await tpm.keys.verifySignature(key, signed, { timeoutMs: deadline.remainingMs() });
  } finally {
    await flushKey(empty, key, deadline);
  }
}

async function startPinnedPolicy(empty: EmptyTpm, deadline: Deadline): Promise<SessionHandle> {
  const { tpm, state } = empty;
  const endorsement = await openEndorsementKey(tpm, state.ekProfile, deadline);
  const salt = { key: endorsement.key, publicArea: state.ekPublic };
  try {
    return await tpm.sessions.startPolicy({ salt, timeoutMs: deadline.remainingMs() });
  } finally {
    if (endorsement.transient) await flushKey(empty, endorsement.key, deadline);
  }
}

async function flushKey({ tpm }: EmptyTpm, key: ObjectHandle, deadline: Deadline): Promise<void> {
  await tpm.keys.flush(key, { timeoutMs: deadline.remainingMs() });
}

function publicAreaOf({ approvalKey }: SealingAuthority): Uint8Array {
  return templates.verificationKey({ x: approvalKey.subarray(0, 32), y: approvalKey.subarray(32) });
}
