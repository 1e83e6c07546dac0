import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { decodeHex, encodeUtf8 } from '../src/bytes.ts';
import { parseCertificate } from '../src/certificate.ts';
import type { EndorsementClaim } from '../src/endorsement.ts';
import { isOfKey, verifyEndorsement } from '../src/endorsement.ts';
import { spkiOfP256Point } from '../src/es256.ts';
import { parseStoragePublic } from '../src/tpm-public.ts';
import {
  authorityCertificate,
  der,
  endorsementCertificate,
  extension,
  issuerOf,
  objectId,
  sequence,
} from './corpus/certificates.ts';
import { SoftwareTpm } from './corpus/software-tpm.ts';
import { readTestdata } from './support/vectors.ts';

const { ekPublic } = new SoftwareTpm('endorsed');
const ekKey = parseStoragePublic(ekPublic).key;
assert.ok(ekKey.type === 'ecc');
const spki = spkiOfP256Point(ekKey.point);
const [maker, plant, stranger] = ['Maker', 'Plant', 'Stranger'].map((name) => issuerOf(name)) as [
  ReturnType<typeof issuerOf>,
  ReturnType<typeof issuerOf>,
  ReturnType<typeof issuerOf>,
];
const root = authorityCertificate(maker, maker);
const middle = authorityCertificate(maker, plant);
const leaf = endorsementCertificate(plant, spki);
const atUnixSeconds = Date.UTC(2026, 10, 22) / 1000;
const claim: EndorsementClaim = {
  ekPublic,
  certificates: [leaf, middle],
  roots: [root],
  atUnixSeconds,
};
const pathLength = (length: number): Uint8Array =>
  extension(
    '551d13',
    sequence(der(0x01, Uint8Array.of(0xff)), der(0x02, Uint8Array.of(length))),
    'critical',
  );

describe('endorsement', () => {
  it('leads from the EK over authorities to a root, in whatever order they stand', () => {
    const lengths = [
      { ...claim },
      { ...claim, certificates: [middle, encodeUtf8('no certificate'), leaf] },
      { ...claim, certificates: [leaf], roots: [authorityCertificate(stranger, stranger), middle] },
      { ...claim, certificates: [endorsementCertificate(maker, spki)] },
    ].map((each) => verifyEndorsement(each).length);
    assert.deepEqual(lengths, [3, 3, 2, 2]);
  });

  it('holds for a real software TPM, with both of its EKs', () => {
    const real =
      readTestdata<Record<'rsa' | 'p384' | 'issuer' | 'root', string>>('tpm/certificates.json');
    const certificates = [real.rsa, real.p384, real.issuer].map(decodeHex);
    const roots = [decodeHex(real.root)];
    for (const name of ['rsa', 'p384'] as const) {
      const ofReal = ekPublicOf(decodeHex(real[name]));
      const when = { atUnixSeconds: Date.UTC(2027, 0) / 1000 };
      const chain = verifyEndorsement({ ekPublic: ofReal, certificates, roots, ...when });
      assert.deepEqual(chain[0].bytes, decodeHex(real[name]));
      assert.equal(chain.length, 3);
      assert.ok(!isOfKey(chain[0], parseStoragePublic(ekPublic)));
    }
  });

  const ofLeaf = (extensions: Record<string, Uint8Array | null>): Partial<EndorsementClaim> => ({
    certificates: [endorsementCertificate(plant, spki, { extensions }), middle],
  });
  const ofMiddle = (choices: Parameters<typeof authorityCertificate>[2]): typeof claim => ({
    ...claim,
    certificates: [leaf, authorityCertificate(maker, plant, choices)],
  });
  const other = spkiOfP256Point(issuerPoint('other'));
  const cases: readonly (readonly [string, Partial<EndorsementClaim>, RegExp])[] = [
    ['no certificate', { certificates: [] }, /no certificate is of the EK/],
    ['that of another key', { certificates: [endorsementCertificate(maker, other)] }, /of the EK/],
    ['one that cannot be read', { certificates: [encodeUtf8('x')] }, /certificate 0: /],
    ['no root', { roots: [] }, /no chain leads/],
    ['another root', { roots: [authorityCertificate(stranger, stranger)] }, /no chain leads/],
    [
      'a root of the same name',
      { roots: [root].map(() => authorityCertificate(maker, { ...stranger, name: 'Maker' })) },
      /no chain leads/,
    ],
    ['a missing authority', { certificates: [leaf] }, /no chain leads/],
    [
      'a leaf that another signed',
      { certificates: [endorsementCertificate(plant, spki, { signedBy: stranger }), middle] },
      /no chain leads/,
    ],
    ['an authority that another signed', ofMiddle({ signedBy: stranger }), /no chain leads/],
    ['an authority that is none', ofMiddle({ extensions: { basicConstraints: null } }), /no chain/],
    [
      'an authority that may not sign',
      ofMiddle({
        extensions: { keyUsage: extension('551d0f', der(0x03, Uint8Array.of(7, 0x80))) },
      }),
      /no chain/,
    ],
    [
      'an authority with an unknown critical extension',
      ofMiddle({ extensions: { x: extension('551d1e', sequence(), 'critical') } }),
      /no chain/,
    ],
    ['an expired authority', ofMiddle({ notAfter: '251231235959Z' }), /no chain/],
    [
      'a root with no authority below it',
      {
        roots: [
          authorityCertificate(maker, maker, { extensions: { basicConstraints: pathLength(0) } }),
        ],
      },
      /no chain/,
    ],
    [
      'a leaf that is an authority',
      ofLeaf({ basicConstraints: pathLength(0) }),
      /is an authority's/,
    ],
    [
      'a leaf that does not agree on keys',
      ofLeaf({ keyUsage: extension('551d0f', der(0x03, Uint8Array.of(5, 0x20))) }),
      /keyAgreement/,
    ],
    ['a leaf without its purpose', ofLeaf({ purposes: null }), /2\.23\.133\.8\.1/],
    [
      'a leaf of another purpose',
      ofLeaf({ purposes: extension('551d25', sequence(objectId('6781050802'))) }),
      /2\.23\.133\.8\.1/,
    ],
    [
      'a leaf with an unknown critical extension',
      ofLeaf({ x: extension('551d1e', sequence(), 'critical') }),
      /unknown critical/,
    ],
    [
      'a leaf before its time',
      { atUnixSeconds: Date.UTC(2019, 11, 31) / 1000 },
      /does not hold yet/,
    ],
    [
      'a leaf after its time',
      {
        certificates: [endorsementCertificate(plant, spki, { notAfter: '261121235959Z' }), middle],
      },
      /has expired/,
    ],
  ];
  for (const [title, change, message] of cases) {
    it(`does not follow from ${title}`, () => {
      assert.throws(() => verifyEndorsement({ ...claim, ...change }), {
        code: 'certificate-untrusted',
        message,
      });
    });
  }

  it('ends where authorities sign each other in a ring', () => {
    const ring = [authorityCertificate(stranger, plant), authorityCertificate(plant, stranger)];
    const certificates = [leaf, ...ring];
    assert.throws(() => verifyEndorsement({ ...claim, certificates }), /no chain leads/);
  });

  it('takes a path length as the number of authorities below', () => {
    const roots = [
      authorityCertificate(maker, maker, { extensions: { basicConstraints: pathLength(1) } }),
    ];
    assert.equal(verifyEndorsement({ ...claim, roots }).length, 3);
    const below = issuerOf('Below');
    const certificates = [
      endorsementCertificate(below, spki),
      authorityCertificate(plant, below),
      middle,
    ];
    assert.throws(() => verifyEndorsement({ ...claim, roots, certificates }), /no chain leads/);
    assert.equal(verifyEndorsement({ ...claim, certificates }).length, 4);
  });
});

function issuerPoint(name: string): Uint8Array {
  return issuerOf(name).spki.slice(-65);
}

/** The TPMT_PUBLIC of an EK with the key of a certificate, after the templates of the profile. */
function ekPublicOf(der_: Uint8Array): Uint8Array {
  const { key } = parseCertificate(der_);
  const u16 = (value: number): readonly number[] => [value >> 8, value & 255];
  const common = [0, 0x0b, 0, 3, 0, 0xb2, 0, 0, 0, 6, 0, 128, 0, 0x43, 0, 0x10];
  if (key.type === 'ecc') {
    const [x, y] = [key.point.subarray(1, 49), key.point.subarray(49)];
    const tail = [0, 4, 0, 0x10, ...u16(48), ...x, ...u16(48), ...y];
    return Uint8Array.from([0, 0x23, ...common, ...tail]);
  }
  const modulus = decodeHex(key.rsa.modulus.toString(16));
  return Uint8Array.from([0, 1, ...common, 8, 0, 0, 0, 0, 0, ...u16(256), ...modulus]);
}
