// Public areas that keys are made from, as marshalled TPMT_PUBLIC (Part 2 §12.2.4). Endorsement and
// storage templates are those of the TCG EK Credential Profile 2.5 (annex B) and the TCG TPM 2.0
// Provisioning Guidance (§7.5.1): the same template always gives the same primary key.
import { algorithm, curve, objectAttribute as attribute } from './constants.ts';
import { padLeft } from './structures.ts';
import { concat, sized, u16, u32 } from './wire.ts';

const fixed = attribute.fixedTpm | attribute.fixedParent | attribute.sensitiveDataOrigin;
const storage = fixed | attribute.restricted | attribute.decrypt;
const none = new Uint8Array(0);

interface Header {
  readonly type: number;
  readonly nameAlgorithm: number;
  readonly attributes: number;
  readonly authPolicy: Uint8Array;
}

function header(fields: Header): Uint8Array {
  return concat([
    u16(fields.type),
    u16(fields.nameAlgorithm),
    u32(fields.attributes),
    sized(fields.authPolicy),
  ]);
}

function aesCfb(keyBits: number): Uint8Array {
  return concat([u16(algorithm.aes), u16(keyBits), u16(algorithm.cfb)]);
}

function eccParameters(symmetric: Uint8Array, scheme: Uint8Array, curveId: number): Uint8Array {
  return concat([symmetric, scheme, u16(curveId), u16(algorithm.null)]);
}

const noScheme = u16(algorithm.null);
const ecdsaSha256 = concat([u16(algorithm.ecdsa), u16(algorithm.sha256)]);

/** An attestation key: signs only what the TPM itself made (P-256, ECDSA with SHA-256). */
export const attestationKeyTemplate: Uint8Array = signingKey(attribute.restricted);

/** A signing key for digests that the caller brings (P-256, ECDSA with SHA-256). */
export const signingKeyTemplate: Uint8Array = signingKey(0);

function signingKey(extra: number): Uint8Array {
  const attributes =
    fixed | attribute.userWithAuth | attribute.noDictionaryAttack | attribute.sign | extra;
  return concat([
    header({
      type: algorithm.ecc,
      nameAlgorithm: algorithm.sha256,
      attributes,
      authPolicy: none,
    }),
    eccParameters(u16(algorithm.null), ecdsaSha256, curve.p256),
    sized(none),
    sized(none),
  ]);
}

/** The public half of somebody's P-256 key, for `keys.loadExternal`: it verifies. */
export function verificationKey(point: {
  readonly x: Uint8Array;
  readonly y: Uint8Array;
}): Uint8Array {
  return concat([
    header({
      type: algorithm.ecc,
      nameAlgorithm: algorithm.sha256,
      attributes: attribute.userWithAuth | attribute.sign,
      authPolicy: none,
    }),
    eccParameters(u16(algorithm.null), ecdsaSha256, curve.p256),
    sized(padLeft(point.x, 32)),
    sized(padLeft(point.y, 32)),
  ]);
}

/** What bytes are sealed in: opened by the policy where there is one, else by its own value. */
export function sealedObjectTemplate(authPolicy: Uint8Array = none): Uint8Array {
  const who = authPolicy.length === 0 ? attribute.userWithAuth : attribute.adminWithPolicy;
  return concat([
    header({
      type: algorithm.keyedHash,
      nameAlgorithm: algorithm.sha256,
      attributes: attribute.fixedTpm | attribute.fixedParent | attribute.noDictionaryAttack | who,
      authPolicy,
    }),
    noScheme,
    sized(none),
  ]);
}

/** The storage root key: P-256, AES-128, no dictionary attack protection, `unique` of zeros. */
export const storageRootKeyTemplate: Uint8Array = concat([
  header({
    type: algorithm.ecc,
    nameAlgorithm: algorithm.sha256,
    attributes: storage | attribute.userWithAuth | attribute.noDictionaryAttack,
    authPolicy: none,
  }),
  eccParameters(aesCfb(128), noScheme, curve.p256),
  sized(new Uint8Array(32)),
  sized(new Uint8Array(32)),
]);

/** PolicySecret(TPM_RH_ENDORSEMENT), SHA-256: "PolicyA" of the credential profile. */
const policyA = Uint8Array.from(
  Buffer.from('837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa', 'hex'),
);

/** PolicyOR of PolicyA and an NV policy, SHA-384: "PolicyB" of the credential profile. */
const policyB384 = Uint8Array.from(
  Buffer.from(
    'b26e7d28d11a50bc53d882bcf5fd3a1a074148bb35d3b4e4' +
      'cb1c0ad9bde419cacb47ba09699646150f9fc000f3f80e12',
    'hex',
  ),
);

/** A place where a TPM may keep an endorsement key and its certificate. */
export interface EndorsementKeyProfile {
  readonly name: 'ecc-p384' | 'ecc-p256' | 'rsa-2048';
  readonly persistentHandle: number;
  /** NV index of the X.509 certificate (DER). */
  readonly certificateIndex: number;
  readonly template: Uint8Array;
}

/** In order of preference. */
export const endorsementKeyProfiles: readonly EndorsementKeyProfile[] = [
  {
    name: 'ecc-p384', // template H-3
    persistentHandle: 0x81010016,
    certificateIndex: 0x01c00016,
    template: concat([
      header({
        type: algorithm.ecc,
        nameAlgorithm: algorithm.sha384,
        attributes: storage | attribute.userWithAuth | attribute.adminWithPolicy,
        authPolicy: policyB384,
      }),
      eccParameters(aesCfb(256), noScheme, curve.p384),
      sized(none),
      sized(none),
    ]),
  },
  {
    name: 'ecc-p256', // template L-2
    persistentHandle: 0x81010002,
    certificateIndex: 0x01c0000a,
    template: concat([
      header({
        type: algorithm.ecc,
        nameAlgorithm: algorithm.sha256,
        attributes: storage | attribute.adminWithPolicy,
        authPolicy: policyA,
      }),
      eccParameters(aesCfb(128), noScheme, curve.p256),
      sized(new Uint8Array(32)),
      sized(new Uint8Array(32)),
    ]),
  },
  {
    name: 'rsa-2048', // template L-1
    persistentHandle: 0x81010001,
    certificateIndex: 0x01c00002,
    template: concat([
      header({
        type: algorithm.rsa,
        nameAlgorithm: algorithm.sha256,
        attributes: storage | attribute.adminWithPolicy,
        authPolicy: policyA,
      }),
      aesCfb(128),
      noScheme,
      u16(2048),
      u32(0),
      sized(new Uint8Array(256)),
    ]),
  },
];

/** NV indexes of the certificates between the endorsement key's and the vendor's root. */
export const certificateChainIndexes = { first: 0x01c00100, last: 0x01c001ff } as const;
