import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';

import { describe, it } from 'mocha';

import { constants, policyDigests, structures, templates } from '../lib/index.ts';
import type { ObjectHandle, SessionHandle } from '../lib/index.ts';
import { digest, refusedWith, useTpm } from './bench.ts';

const { comparison, hierarchy } = constants;
const policyFail = constants.responseCode.policyFail;
const valueRefused = 0x84; // TPM_RC_VALUE
const nonceRefused = 0x8f; // TPM_RC_NONCE
const policyRefused = 0x126; // TPM_RC_POLICY
const signatureRefused = 0x9b; // TPM_RC_SIGNATURE

/** TPMS_TIME_INFO (Part 2 §10.11.6): time, clock, resetCount, restartCount, safe. */
const resetCountOffset = 16;

describe('policies', function () {
  this.timeout(60_000);
  const current = useTpm();

  const seal = async (authPolicy: Uint8Array): Promise<ObjectHandle> => {
    const { tpm, makeRoot } = current();
    const parent = await makeRoot();
    const parts = await tpm.sealed.create(parent, { data: digest('sealed'), authPolicy });
    const object = await tpm.keys.load(parent, parts);
    await tpm.keys.flush(parent);
    return object;
  };
  const opens = async (object: ObjectHandle, session: SessionHandle): Promise<void> => {
    const data = await current().tpm.sealed.unseal(object, { sessions: [session] });
    assert.deepEqual(data, digest('sealed'));
  };
  const loadSigner = async (signer: Signer): Promise<ObjectHandle> =>
    current().tpm.keys.loadExternal(signer.publicArea);

  it('computes the digests that the TPM computes', async () => {
    const { tpm } = current();
    const signer = makeSigner();
    const key = await loadSigner(signer);
    const pcrs = [0, 7, 14];
    const time = {
      operand: new Uint8Array(4),
      offset: resetCountOffset,
      comparison: comparison.greaterOrEqual,
    };
    const session = await tpm.sessions.startTrial();
    let expected = policyDigests.empty;
    assert.deepEqual(await tpm.policies.digest(session), expected);
    await tpm.policies.pcr(session, { pcrs });
    expected = policyDigests.withPcrs(expected, pcrs, await tpm.platform.readPcrs(pcrs));
    assert.deepEqual(await tpm.policies.digest(session), expected);
    await tpm.policies.counterTimer(session, time);
    expected = policyDigests.withCounterTimer(expected, time);
    assert.deepEqual(await tpm.policies.digest(session), expected);
    await tpm.policies.secret(session, hierarchy.endorsement);
    expected = policyDigests.withSecret(expected, hierarchy.endorsement);
    assert.deepEqual(await tpm.policies.digest(session), expected);
    const signature = signer.sign(policyDigests.signedMessage({ policyRef: digest('what for') }));
    await tpm.policies.signed(session, { key, signature, policyRef: digest('what for') });
    expected = policyDigests.withSigned(expected, signer.name, digest('what for'));
    assert.deepEqual(await tpm.policies.digest(session), expected);
    await tpm.sessions.flush(session);
  });

  it('opens under whatever PCRs the authority approved, and under no others', async () => {
    const { tpm } = current();
    const authority = makeSigner();
    const policyRef = digest('PIN of the token');
    const object = await seal(policyDigests.authorized(authority.name, policyRef));
    const key = await loadSigner(authority);
    const pcrs = [7, 14];
    const approve = async (): Promise<{ approvedPolicy: Uint8Array; ticket: Uint8Array }> => {
      const values = await tpm.platform.readPcrs(pcrs);
      const approvedPolicy = policyDigests.withPcrs(policyDigests.empty, pcrs, values);
      const asked = policyDigests.approvalMessage(approvedPolicy, policyRef);
      const signed = { digest: digest(asked), signature: authority.sign(asked) };
      return { approvedPolicy, ticket: await tpm.keys.verifySignature(key, signed) };
    };
    const attempt = async (approval: Awaited<ReturnType<typeof approve>>): Promise<void> => {
      const session = await tpm.sessions.startPolicy();
      await tpm.policies.pcr(session, { pcrs });
      try {
        await tpm.policies.authorize(session, { ...approval, policyRef, keyName: authority.name });
        await opens(object, session);
      } catch (error) {
        await tpm.sessions.flush(session);
        throw error;
      }
    };
    const first = await approve();
    await attempt(first);
    await tpm.platform.extendPcr(14, digest('new firmware'));
    await assert.rejects(attempt(first), refusedWith(valueRefused));
    await attempt(await approve());
  });

  it('takes no ticket that another key gave, and verifies no foreign signature', async () => {
    const { tpm } = current();
    const [authority, other] = [makeSigner(), makeSigner()];
    const key = await loadSigner(authority);
    const asked = policyDigests.approvalMessage(policyDigests.empty);
    const foreign = { digest: digest(asked), signature: other.sign(asked) };
    await assert.rejects(tpm.keys.verifySignature(key, foreign), refusedWith(signatureRefused));
    const otherKey = await loadSigner(other);
    const ticket = await tpm.keys.verifySignature(otherKey, foreign);
    const session = await tpm.sessions.startPolicy();
    const approval = { approvedPolicy: policyDigests.empty, keyName: authority.name, ticket };
    await assert.rejects(tpm.policies.authorize(session, approval), refusedWith(valueRefused));
    await tpm.sessions.flush(session);
  });

  it('opens for a signature over this session, and not for one over another', async () => {
    const { tpm } = current();
    const operator = makeSigner();
    const object = await seal(policyDigests.withSigned(policyDigests.empty, operator.name));
    const key = await loadSigner(operator);
    const session = await tpm.sessions.startPolicy();
    const nonce = await tpm.sessions.nonce(session);
    const signature = operator.sign(policyDigests.signedMessage({ nonce, expirationSeconds: 60 }));
    const condition = { key, nonce, signature, expirationSeconds: 60 };
    await tpm.policies.signed(session, condition);
    await opens(object, session);
    const second = await tpm.sessions.startPolicy();
    await assert.rejects(tpm.policies.signed(second, condition), refusedWith(nonceRefused));
    await tpm.sessions.flush(second);
  });

  it('opens while the TPM was reset no more often than then', async () => {
    const { tpm } = current();
    const { resetCount } = await tpm.platform.readClock();
    const operand = new Uint8Array(4);
    new DataView(operand.buffer).setUint32(0, resetCount);
    const condition = { operand, offset: resetCountOffset, comparison: comparison.lessOrEqual };
    const object = await seal(policyDigests.withCounterTimer(policyDigests.empty, condition));
    const session = await tpm.sessions.startPolicy();
    await tpm.policies.counterTimer(session, condition);
    await opens(object, session);
    const less = { ...condition, comparison: comparison.less };
    const refused = await tpm.sessions.startPolicy();
    await assert.rejects(tpm.policies.counterTimer(refused, less), refusedWith(policyRefused));
    await tpm.sessions.flush(refused);
    const unmet = await tpm.sessions.startPolicy();
    const attempt = tpm.sealed.unseal(object, { sessions: [unmet] });
    await assert.rejects(attempt, refusedWith(policyFail));
  });
});

interface Signer {
  readonly publicArea: Uint8Array;
  readonly name: Uint8Array;
  /** r ‖ s over SHA-256(message). */
  sign(message: Uint8Array): Uint8Array;
}

function makeSigner(): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const [left, right] = [x, y].map((part) => Uint8Array.from(Buffer.from(part, 'base64url')));
  assert(left && right);
  const publicArea = templates.verificationKey({ x: left, y: right });
  const options = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const;
  return {
    publicArea,
    name: structures.nameOf(publicArea),
    sign: (message) => Uint8Array.from(sign('sha256', message, options)),
  };
}
