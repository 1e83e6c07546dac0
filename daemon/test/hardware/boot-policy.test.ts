import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';

import { policyDigests } from '@kudurru/tpm2-tss';
import { describe, it } from 'mocha';

import {
  approvalMessage,
  bootPolicy,
  isApproved,
  pinPolicyRef,
} from '../../src/hardware/backends/boot-policy.ts';
import { bootNotApproved, hasValues } from '../../src/hardware/backends/boot-difference.ts';
import { pointOf } from '../../src/provision/approval-key.ts';

const ledgerId = new Uint8Array(32).fill(7);
const values = [0, 7, 8, 23].map((pcr) => ({ pcr, value: new Uint8Array(32).fill(pcr) }));

describe('policy of a boot', () => {
  it('is the one that the TPM computes', () => {
    const pcrs = values.map(({ pcr }) => pcr);
    const shown = values.map(({ value }) => value);
    const policy = policyDigests.withPcrs(policyDigests.empty, pcrs, shown);
    assert.deepEqual(bootPolicy(values), policy);
    const asked = policyDigests.approvalMessage(policy, pinPolicyRef(ledgerId));
    assert.deepEqual(Buffer.from(approvalMessage(ledgerId, values)), Buffer.from(asked));
  });

  it('is approved by its key, for its ledger and values alone', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const approvalKey = pointOf(publicKey);
    const key = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const;
    const signature = sign('sha256', approvalMessage(ledgerId, values), key);
    const by = { ledgerId, approvalKey };
    assert(isApproved({ values, signature }, by));
    assert(!isApproved({ values: values.slice(1), signature }, by));
    assert(!isApproved({ values, signature }, { ...by, ledgerId: new Uint8Array(32) }));
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
    assert(!isApproved({ values, signature }, { ...by, approvalKey: pointOf(other) }));
    assert(!isApproved({ values, signature }, { ...by, approvalKey: new Uint8Array(64) }));
  });

  it('says in which PCRs a boot differs from the approved one that is nearest', () => {
    const far = { values: values.map((one) => ({ ...one, value: new Uint8Array(32) })) };
    const signature = new Uint8Array(64);
    const approvals = [
      { ...far, signature },
      { values, signature },
    ];
    const now = values.map((one) => (one.pcr === 7 ? { pcr: 7, value: new Uint8Array(32) } : one));
    assert(!approvals.some((approval) => hasValues(approval, now)));
    assert(approvals.some((approval) => hasValues(approval, values)));
    const { code, message } = bootNotApproved(approvals, now);
    assert.equal(code, 'boot-not-approved');
    assert.match(message, /PCR 7 shows '(00)+' and not '(07)+'/u);
    assert.doesNotMatch(message, /PCR (?:8|23)/u);
  });
});
