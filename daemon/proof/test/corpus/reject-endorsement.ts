/** Endorsement keys of which the reader cannot know, or must not believe, whose TPM they are of. */
import { sha256 } from '../../src/sha256.ts';
import {
  authorityCertificate,
  der,
  endorsementCertificate,
  extension,
  issuerOf,
  objectId,
  sequence,
  tpmName,
} from './certificates.ts';
import type { HardwareChoices } from './hardware.ts';
import {
  ekSpki,
  endorsementOf,
  makerRoot,
  ofHardware,
  plant,
  plantCertificate,
} from './hardware.ts';
import type { RejectCase } from './reject-case.ts';
import { invalid, unverifiable } from './reject-case.ts';

const CHECK = 'who.endorsement';
const stranger = issuerOf('Stranger');
const strangersRoot = authorityCertificate(stranger, stranger);
const trusting = (...roots: readonly Uint8Array[]): HardwareChoices => ({
  trust: () => ({ roots, pins: [], atUnixSeconds: null }),
});
const ofLeaf = (
  choices: Parameters<typeof endorsementOf>[1],
  name: 'alpha' | 'another' = 'alpha',
): HardwareChoices => ({ certificates: [endorsementOf(name, choices), plantCertificate] });
const ofPlant = (choices: Parameters<typeof authorityCertificate>[2]): HardwareChoices => ({
  certificates: [
    endorsementOf('alpha'),
    authorityCertificate(issuerOf('Maker of TPMs'), plant, choices),
  ],
});
const critical = extension('551d1e', sequence(), 'critical');
const otherUse = extension('551d0f', der(0x03, Uint8Array.of(7, 0x80)), 'critical');

/** UNVERIFIABLE: nothing contradicts anything, but the reader is not shown whose TPM it is. */
const unknownMakers: readonly (readonly [string, HardwareChoices])[] = [
  ['hardware-with-nothing-pinned', { trust: () => null }],
  ['hardware-under-no-root', trusting()],
  ['chain-to-an-untrusted-root', trusting(strangersRoot)],
  [
    'root-of-the-same-name',
    trusting(authorityCertificate(stranger, { ...stranger, name: 'Maker of TPMs' })),
  ],
  ['no-endorsement-certificate', { certificates: [] }],
  ['endorsement-certificate-of-another-key', ofLeaf({}, 'another')],
  ['endorsement-certificate-not-signed-by-its-issuer', ofLeaf({ signedBy: stranger })],
  ['endorsement-certificate-expired', ofLeaf({ notAfter: '210101000000Z' })],
  ['endorsement-certificate-from-the-future', ofLeaf({ notBefore: '400101000000Z' })],
  [
    'endorsement-certificate-of-another-purpose',
    ofLeaf({
      extensions: { purposes: extension('551d25', sequence(objectId('2b06010505070301'))) },
    }),
  ],
  ['endorsement-certificate-without-a-purpose', ofLeaf({ extensions: { purposes: null } })],
  ['endorsement-certificate-for-another-use', ofLeaf({ extensions: { keyUsage: otherUse } })],
  [
    'endorsement-certificate-of-an-authority',
    ofLeaf({
      extensions: {
        basicConstraints: extension('551d13', sequence(der(0x01, Uint8Array.of(0xff)))),
      },
    }),
  ],
  ['endorsement-certificate-critical-unknown', ofLeaf({ extensions: { critical } })],
  ['endorsement-certificate-of-no-tpm', ofLeaf({ extensions: { subjectAltName: null } })],
  [
    'endorsement-certificate-with-sha-1',
    {
      certificates: [
        endorsementCertificate(
          { ...plant, algorithm: sequence(objectId('2a8648ce3d0401')) },
          ekSpki('alpha'),
        ),
        plantCertificate,
      ],
    },
  ],
  [
    'endorsement-certificate-malformed',
    { certificates: [Uint8Array.of(0x30, 0), plantCertificate] },
  ],
  ['issuer-missing', { certificates: [endorsementOf('alpha')] }],
  ['issuer-that-is-no-authority', ofPlant({ extensions: { basicConstraints: null } })],
  ['issuer-that-may-not-certify', ofPlant({ extensions: { keyUsage: otherUse } })],
  ['issuer-expired', ofPlant({ notAfter: '210101000000Z' })],
  ['issuer-critical-unknown', ofPlant({ extensions: { critical } })],
  ['issuer-not-signed-by-the-root', ofPlant({ signedBy: stranger })],
  [
    'chain-that-holds-no-longer',
    { trust: () => ({ roots: [makerRoot], pins: [], atUnixSeconds: 253_402_300_800 }) },
  ],
  [
    'pin-of-another-endorsement-key',
    {
      certificates: [],
      trust: () => ({ roots: [], pins: [sha256(strangersRoot)], atUnixSeconds: null }),
    },
  ],
];

/** INVALID: what the maker signed contradicts what the document says. */
const contradicted: readonly (readonly [string, HardwareChoices])[] = [
  [
    'hardware-certified-as-an-emulator',
    ofLeaf({ extensions: { subjectAltName: tpmName('id:00001014', 'swtpm', 'id:20191023') } }),
  ],
  [
    'hardware-certified-by-a-maker-of-emulators',
    ofLeaf({ extensions: { subjectAltName: tpmName('id:49424D00', 'SW TPM', 'id:00010000') } }),
  ],
  ['tpm-of-another-maker', { document: { manufacturer: 'IFX' } }],
];

export function endorsementCases(): RejectCase[] {
  return [
    ...unknownMakers.map(([name, choices]) => unverifiable(name, CHECK, () => ofHardware(choices))),
    ...contradicted.map(([name, choices]) => invalid(name, CHECK, () => ofHardware(choices))),
  ];
}
