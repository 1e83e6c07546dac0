import assert from 'node:assert/strict';

import { describe, it } from 'mocha';

import { type TpmTraits, quirksOf } from '../../src/hardware/backends/tpm-quirks.ts';

const sound: TpmTraits = {
  manufacturer: 'IFX',
  firmwareVersion: firmware(7, 85),
  revision: 138,
  endorsementProfile: 'ecc-p256',
  hasCertificate: true,
};

function firmware(major: number, minor: number): bigint {
  return (BigInt(major) << 48n) | (BigInt(minor) << 32n) | 0x1102n;
}

function namesOf(traits: Partial<TpmTraits>): string[] {
  return quirksOf({ ...sound, ...traits }).map(({ name }) => name);
}

describe('TPM quirks', () => {
  it('are of a manufacturer and its firmware', () => {
    assert.deepEqual(namesOf({ revision: 159 }), []);
    assert.deepEqual(namesOf({}), ['no-nv-digest']);
    assert(namesOf({ firmwareVersion: firmware(7, 61) }).includes('weak-rsa-keys'));
    assert(!namesOf({ firmwareVersion: firmware(7, 62) }).includes('weak-rsa-keys'));
    assert(namesOf({ firmwareVersion: firmware(5, 61) }).includes('weak-rsa-keys'));
    const stm = { manufacturer: 'STM', firmwareVersion: firmware(73, 4) };
    assert(namesOf(stm).includes('leaking-ecdsa'));
    assert(!namesOf({ ...stm, firmwareVersion: firmware(73, 20) }).includes('leaking-ecdsa'));
    assert(!namesOf({ firmwareVersion: firmware(73, 4) }).includes('leaking-ecdsa'));
  });

  it('are of what is seen, too', () => {
    assert(namesOf({ manufacturer: 'IBM' }).includes('copied-state'));
    assert(namesOf({ endorsementProfile: 'rsa-2048' }).includes('rsa-endorsement-only'));
    assert(namesOf({ hasCertificate: false }).includes('no-stored-certificate'));
  });
});
