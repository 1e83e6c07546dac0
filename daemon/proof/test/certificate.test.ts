import assert from 'node:assert/strict';
import {
  constants,
  createPublicKey,
  generateKeyPairSync,
  sign,
  X509Certificate,
} from 'node:crypto';
import { describe, it } from 'mocha';

import { concatBytes, decodeHex } from '../src/bytes.ts';
import { isSignedBy, parseCertificate } from '../src/certificate.ts';
import type { Certificate } from '../src/certificate.ts';
import { EK_CERTIFICATE_PURPOSE, manufacturerOf } from '../src/certificate-extensions.ts';
import { ProofError } from '../src/proof-error.ts';
import type { CertificateChoices, Issuer } from './corpus/certificates.ts';
import {
  authorityCertificate,
  der,
  endorsementCertificate,
  extension,
  issuerOf,
  objectId,
  sequence,
} from './corpus/certificates.ts';
import { readTestdata } from './support/vectors.ts';

const real =
  readTestdata<Record<'rsa' | 'p384' | 'issuer' | 'root', string>>('tpm/certificates.json');
const maker = issuerOf('Maker of TPMs');
const ek = issuerOf('ek');
const leaf = endorsementCertificate(maker, ek.spki);
const malformed = { code: 'certificate-malformed' };
const number = (...bytes: readonly number[]): Uint8Array => der(0x02, Uint8Array.from(bytes));
const make = (choices: CertificateChoices): Certificate =>
  parseCertificate(endorsementCertificate(maker, ek.spki, choices));

describe('certificate', () => {
  it('reads what openssl reads, of a software TPM and its makers', () => {
    for (const name of ['rsa', 'p384', 'issuer', 'root'] as const) {
      const bytes = decodeHex(real[name]);
      const [ours, theirs] = [parseCertificate(bytes), new X509Certificate(bytes)];
      assert.equal(ours.notBeforeUnixSeconds * 1000, Date.parse(theirs.validFrom));
      assert.equal(ours.notAfterUnixSeconds * 1000, Date.parse(theirs.validTo));
      assert.equal(ours.extensions.isAuthority, theirs.ca);
      const jwk = theirs.publicKey.export({ format: 'jwk' });
      const text = (hex: string): string => Buffer.from(hex, 'hex').toString('base64url');
      if (ours.key.type === 'rsa') assert.equal(jwk['n'], text(ours.key.rsa.modulus.toString(16)));
      else
        assert.equal(jwk['x'], Buffer.from(ours.key.point.subarray(1, 49)).toString('base64url'));
    }
    const { extensions } = parseCertificate(decodeHex(real.rsa));
    assert.deepEqual(extensions, {
      isAuthority: false,
      pathLength: null,
      keyUses: ['keyEncipherment'],
      purposes: [EK_CERTIFICATE_PURPOSE],
      tpm: { manufacturer: 'id:00001014', model: 'swtpm', version: 'id:20191023' },
      unknownCritical: [],
    });
    const [rsa, issuer, root] = [real.rsa, real.issuer, real.root].map((hex) =>
      parseCertificate(decodeHex(hex)),
    ) as [Certificate, Certificate, Certificate];
    assert.ok(isSignedBy(rsa, issuer) && isSignedBy(issuer, root) && isSignedBy(root, root));
    assert.ok(!isSignedBy(rsa, root) && !isSignedBy(root, issuer));
  });

  it('names the maker by the letters in its id', () => {
    const named = (manufacturer: string): string | null =>
      manufacturerOf({ manufacturer, model: '', version: '' });
    assert.equal(named('id:49465800'), 'IFX');
    assert.equal(named('id:53544D20'), 'STM');
    assert.equal(named('id:494e5443'), 'INTC');
    assert.deepEqual(['id:00001014', 'IFX', 'id:4946', ''].map(named), [null, null, null, null]);
  });

  for (const [name, algorithm, options] of rsaSchemes()) {
    it(`verifies ${name}, and nothing near it`, () => {
      const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
      const hash = name.includes('384') ? 'sha384' : 'sha256';
      const issuer: Issuer = {
        name: 'RSA',
        spki,
        algorithm,
        sign: (message) => new Uint8Array(sign(hash, message, { key: privateKey, ...options })),
      };
      const root = parseCertificate(authorityCertificate(issuer, issuer));
      const certificate = parseCertificate(endorsementCertificate(issuer, ek.spki));
      assert.ok(isSignedBy(certificate, root) && isSignedBy(root, root));
      assert.ok(
        new X509Certificate(root.bytes).verify(
          createPublicKey(publicKey.export({ format: 'pem', type: 'spki' })),
        ),
      );
      const { signature, signed, algorithm: found } = certificate;
      for (const at of [0, 1, 128, 255]) {
        const changed = signature.slice();
        changed[at] = (changed[at] ?? 0) ^ 1;
        assert.ok(!isSignedBy({ ...certificate, signature: changed }, root));
      }
      const wrong: readonly Partial<Certificate>[] = [
        { signed: signed.subarray(1) },
        { signature: concatBytes(Uint8Array.of(0), signature) },
        { signature: new Uint8Array(256) },
        { signature: new Uint8Array(256).fill(0xff) },
        { algorithm: { ...found, scheme: found.scheme === 'pss' ? 'pkcs1' : 'pss' } },
        { algorithm: { ...found, hash: found.hash === 'SHA-256' ? 'SHA-384' : 'SHA-256' } },
        { algorithm: { ...found, scheme: 'ecdsa' } },
      ];
      for (const change of wrong) assert.ok(!isSignedBy({ ...certificate, ...change }, root));
    });
  }

  it('verifies ECDSA, and nothing near it', () => {
    const root = parseCertificate(authorityCertificate(maker, maker));
    const certificate = parseCertificate(leaf);
    assert.ok(isSignedBy(certificate, root));
    assert.ok(new X509Certificate(leaf).verify(new X509Certificate(root.bytes).publicKey));
    const { signature, algorithm } = certificate;
    const wrong: readonly Partial<Certificate>[] = [
      { signature: signature.subarray(1) },
      { signature: new Uint8Array(0) },
      { algorithm: { ...algorithm, hash: 'SHA-384' } },
      { algorithm: { ...algorithm, scheme: 'pkcs1' } },
    ];
    for (const change of wrong) assert.ok(!isSignedBy({ ...certificate, ...change }, root));
  });

  it('refuses every cut, every longer form, and throws nothing else for changed bytes', () => {
    for (const bytes of [leaf, decodeHex(real.rsa)]) {
      for (let length = 0; length < bytes.length; length++) {
        assert.throws(() => parseCertificate(bytes.subarray(0, length)), malformed);
        const changed = bytes.slice();
        changed[length] = (changed[length] ?? 0) ^ (1 << (length % 8));
        try {
          parseCertificate(changed);
        } catch (error) {
          assert.ok(error instanceof ProofError, String(error));
        }
      }
      assert.throws(() => parseCertificate(concatBytes(bytes, Uint8Array.of(0))), malformed);
    }
    assert.throws(() => parseCertificate(new Uint8Array(8193)), { code: 'limit-exceeded' });
  });

  it('reads times of both forms, and none that no calendar has', () => {
    const at = (notBefore: string): number => make({ notBefore }).notBeforeUnixSeconds;
    assert.equal(at('491231235959Z'), Date.UTC(2049, 11, 31, 23, 59, 59) / 1000);
    assert.equal(at('500101000000Z'), Date.UTC(1950, 0, 1) / 1000);
    assert.equal(at('20240229120000Z'), Date.UTC(2024, 1, 29, 12) / 1000);
    const wrong = [
      '20230229120000Z',
      '20241301000000Z',
      '20240101240000Z',
      '20240101006000Z',
      '20240101000060Z',
      '2024010100000Z0',
      '202401010000000',
    ];
    for (const text of wrong) assert.throws(() => at(text), malformed, text);
  });

  it('knows which extensions are critical and unknown, and which stand twice', () => {
    const nameConstraints = extension('551d1e', sequence(), 'critical');
    const policies = extension('551d20', sequence(), 'critical');
    const { extensions } = make({ extensions: { nameConstraints, policies } });
    assert.deepEqual(extensions.unknownCritical, ['551d1e']);
    const open = extension('551d1e', sequence());
    assert.deepEqual(make({ extensions: { open } }).extensions.unknownCritical, []);
    assert.throws(() => make({ extensions: { nameConstraints, open } }), malformed);
  });

  const noFlag = sequence(objectId('551d13'), der(0x01, Uint8Array.of(0)), der(0x04, sequence()));
  const odd: readonly (readonly [string, Record<string, Uint8Array>])[] = [
    ['FALSE written out', { basicConstraints: noFlag }],
    [
      'a path length of no authority',
      { basicConstraints: extension('551d13', sequence(number(1))) },
    ],
    ['key usage of no bits', { keyUsage: extension('551d0f', der(0x03, Uint8Array.of(0))) }],
    [
      'key usage with zero bits at its end',
      { keyUsage: extension('551d0f', der(0x03, Uint8Array.of(0, 8))) },
    ],
    ['no purpose', { purposes: extension('551d25', sequence()) }],
    ['a purpose of no bytes', { purposes: extension('551d25', sequence(der(0x06))) }],
    [
      'bytes after a list',
      { purposes: extension('551d25', concatBytes(sequence(objectId('29')), number(1))) },
    ],
    [
      'a description of no text',
      {
        subjectAltName: extension(
          '551d11',
          sequence(der(0xa4, sequence(der(0x31, sequence(objectId('6781050201'), number(1)))))),
        ),
      },
    ],
  ];
  for (const [title, extensions] of odd) {
    it(`refuses ${title}`, () => {
      assert.throws(() => make({ extensions }), malformed);
    });
  }

  it('refuses other signature algorithms, keys and versions', () => {
    const with_ = (algorithm: Uint8Array): Uint8Array =>
      endorsementCertificate({ ...maker, algorithm }, ek.spki);
    const sha1 = sequence(objectId('2a864886f70d010105'), der(0x05));
    const ecdsaSha1 = sequence(objectId('2a8648ce3d0401'));
    const withNull = sequence(objectId('2a8648ce3d040302'), der(0x05));
    const rsaWithoutNull = sequence(objectId('2a864886f70d01010b'));
    for (const algorithm of [sha1, ecdsaSha1, withNull, rsaWithoutNull]) {
      assert.throws(() => parseCertificate(with_(algorithm)), malformed);
    }
    const ed25519 = sequence(sequence(objectId('2b6570')), der(0x03, new Uint8Array(33)));
    assert.throws(() => parseCertificate(endorsementCertificate(maker, ed25519)), malformed);
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
    const spki = new Uint8Array(short.export({ format: 'der', type: 'spki' }));
    assert.throws(() => parseCertificate(endorsementCertificate(maker, spki)), {
      code: 'key-malformed',
    });
    const old = leaf.slice();
    old[leaf.indexOf(0xa0) + 4] = 1;
    assert.throws(() => parseCertificate(old), /version 3/);
  });
});

type Scheme = readonly [string, Uint8Array, { padding: number; saltLength?: number }];

function rsaSchemes(): Scheme[] {
  const hashId = { 256: '608648016503040201', 384: '608648016503040202' } as const;
  return ([256, 384] as const).flatMap((bits): Scheme[] => {
    const pkcs1 = objectId(`2a864886f70d0101${bits === 256 ? '0b' : '0c'}`);
    const hash = sequence(objectId(hashId[bits]), der(0x05));
    const mask = sequence(objectId('2a864886f70d010108'), hash);
    const salt = bits / 8;
    const parameters = [der(0xa0, hash), der(0xa1, mask), der(0xa2, number(salt))];
    const pss = sequence(objectId('2a864886f70d01010a'), sequence(...parameters));
    const { RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING } = constants;
    return [
      [`RSA PKCS #1 with SHA-${bits}`, sequence(pkcs1, der(0x05)), { padding: RSA_PKCS1_PADDING }],
      [`RSA-PSS with SHA-${bits}`, pss, { padding: RSA_PKCS1_PSS_PADDING, saltLength: salt }],
    ];
  });
}
