/** Attestations that no TPM made for this anchor, or none that holds this AK. */
import { p256 } from '@noble/curves/nist.js';
import { sha1 } from '@noble/hashes/legacy.js';

import { concatBytes, decodeHex, encodeU64 } from '../../src/bytes.ts';
import { sha256 } from '../../src/sha256.ts';
import { parseObjectPublic } from '../../src/tpm-public.ts';
import type { Refusal } from './forged-case.ts';
import { forged } from './forged-case.ts';
import { p256Signer, seed } from './keys.ts';
import type { RejectCase } from './reject-case.ts';
import type { AttestFields, AttestName, Signed, TpmFlaws } from './software-tpm.ts';
import { nvBody, quoteBody, SoftwareTpm, TYPE, u16, u32 } from './software-tpm.ts';

const FORM = 'what.entry-form';
const SIGNATURES = 'order.anchor-signatures';
const BINDING = 'order.anchor-binding';
const COUNTER = 'order.anchor-counter';
const BOOT = 'order.boot-quote';
const CLOCK = 'when.anchor-clock';
const EXTRAS = 'order.anchor-extras';
const REPLAY = 'order.anchor-replay';
const CREATION = 'who.checkpoint-key';

/** Name, the check that refuses it, the flaw. */
type Row = readonly [name: string, refusal: Refusal, flaws: TpmFlaws];
type Change = (fields: AttestFields) => Partial<AttestFields>;

const { akPublic, counterPublic, ekPublic, extendPublic } = new SoftwareTpm('alpha');
const { akPublic: otherAk, ekPublic: otherEk } = new SoftwareTpm('beta');
/** Permanent handles, above every primary (Part 2 §7.4). */
const [OWNER, ENDORSEMENT] = ['40000001', '4000000b'] as const;
const mallory = p256Signer('mallory');

const ATTESTS = ['L', 'R', 'N', 'quote', 'extend'] as const;
const rows: readonly Row[] = [
  ...[...ATTESTS, 'creation' as const, 'boot' as const].flatMap((name): Row[] => [
    [`${name}-without-its-magic`, FORM, attest(name, () => ({ magic: 0xff544346 }))],
    [`${name}-of-an-unknown-type`, FORM, attest(name, () => ({ type: 0x8000 }))],
  ]),
  ...[...ATTESTS, 'boot' as const].flatMap(signedWrongly),
  ...ATTESTS.flatMap(madeAtAnotherTime),
  ...wrongBoots(),
  ...(['L', 'R'] as const).flatMap((name): Row[] => [
    [`${name}-that-is-a-quote`, BINDING, attest(name, quoted([14]))],
    [`${name}-that-certifies-the-counter`, BINDING, attest(name, certified(counterPublic))],
  ]),
  ...(['L', 'R', 'N'] as const).flatMap((name): Row[] => [
    [`${name}-of-other-data`, BINDING, attest(name, () => ({ extraData: seed('another') }))],
    [`${name}-of-no-data`, BINDING, attest(name, () => ({ extraData: new Uint8Array(0) }))],
  ]),
  ...(['quote', 'extend'] as const).map((name): Row => {
    return [`${name}-of-other-data`, EXTRAS, attest(name, () => ({ extraData: seed('another') }))];
  }),
  ...wrongIndexes(),
  ...wrongCreations(),
  ['quote-that-is-a-time', EXTRAS, attest('quote', asTime)],
  ['quote-of-two-pcrs', [EXTRAS, REPLAY], attest('quote', quoted([13, 14]))],
  ['quote-of-no-pcr', [EXTRAS, REPLAY], attest('quote', quoted([]))],
  ['quote-of-a-resettable-pcr', [EXTRAS, REPLAY], attest('quote', quoted([16]))],
  ['quote-of-the-sha-1-bank', [EXTRAS, REPLAY], attest('quote', quoted([14], 0x0004))],
];

export const FORGED_ATTESTS: readonly RejectCase[] = rows.map(([name, refusal, tpm]) =>
  forged(name, refusal, { tpm }),
);

function signedWrongly(name: AttestName): Row[] {
  const signer = (bytes: Uint8Array): TpmFlaws => attest(name, () => ({ signer: bytes }));
  const check = name === 'boot' ? BOOT : SIGNATURES;
  return [
    [`${name}-by-another-key`, check, signature(name, (made) => mallory.sign(made.attest))],
    [`${name}-signature-changed`, check, signature(name, (made) => flipped(made.signature))],
    [`${name}-signature-of-zeros`, check, signature(name, () => new Uint8Array(64))],
    [`${name}-signed-over-sha-1`, check, signature(name, (made) => bySha1(made.attest))],
    [`${name}-of-another-ak`, check, signer(qualified(ENDORSEMENT, ekPublic, otherAk))],
    [`${name}-of-another-ek`, check, signer(qualified(ENDORSEMENT, otherEk, akPublic))],
    [`${name}-in-the-storage-hierarchy`, check, signer(qualified(OWNER, ekPublic, akPublic))],
    [`${name}-of-no-parent`, check, signer(parseObjectPublic(akPublic).name)],
  ];
}

function madeAtAnotherTime(name: AttestName): Row[] {
  // N says which TPM boot an anchor is of.
  const check: Refusal = name === 'N' ? [CLOCK, REPLAY] : CLOCK;
  return [
    [`${name}-of-another-run`, check, attest(name, () => ({ resetCount: 3 }))],
    [`${name}-after-a-resume`, check, attest(name, () => ({ restartCount: 1 }))],
    [`${name}-of-an-earlier-time`, CLOCK, attest(name, () => ({ clockMs: 1n }))],
  ];
}

function wrongBoots(): Row[] {
  const values = (pcrs: readonly number[], bank?: number): Change => {
    return () => ({ body: quoteBody(pcrs, seed('values'), bank) });
  };
  return [
    ['boot-of-other-data', BOOT, attest('boot', () => ({ extraData: seed('another') }))],
    ['boot-that-is-a-time', BOOT, attest('boot', asTime)],
    ['boot-of-other-values', BOOT, attest('boot', values([0, 7, 14]))],
    ['boot-of-other-pcrs', BOOT, attest('boot', values([0, 1, 14]))],
    ['boot-of-more-pcrs', BOOT, attest('boot', values([0, 1, 7, 14]))],
    ['boot-of-the-sha-1-bank', BOOT, attest('boot', values([0, 7, 14], 0x0004))],
    ['boot-after-more-resets', REPLAY, attest('boot', () => ({ resetCount: 3 }))],
    ['boot-after-fewer-resets', REPLAY, attest('boot', () => ({ resetCount: 1 }))],
    ['boot-before-a-resume', REPLAY, attest('boot', () => ({ restartCount: 1 }))],
  ];
}

function wrongIndexes(): Row[] {
  const value = encodeU64(8n);
  const counter = (contents: Uint8Array, offset = 0): TpmFlaws =>
    attest('N', () => ({ body: nvBody(counterPublic, contents, offset) }));
  return [
    ['N-that-is-a-time', COUNTER, attest('N', asTime)],
    ['N-of-another-counter', COUNTER, attest('N', certified(anotherIndex()))],
    ['N-of-the-extend-index', COUNTER, attest('N', certified(extendPublic))],
    ['N-of-the-second-half', COUNTER, counter(value.subarray(4), 4)],
    ['N-of-four-bytes', COUNTER, counter(value.subarray(4))],
    ['N-of-nine-bytes', COUNTER, counter(concatBytes(value, new Uint8Array(1)))],
    ['N-of-a-higher-value', COUNTER, counter(encodeU64(99n))],
    ['N-of-a-lower-value', COUNTER, counter(encodeU64(7n))],
    ['N-as-a-digest-only', FORM, attest('N', () => ({ type: TYPE['nv-digest'] }))],
    ['extend-of-the-counter', [EXTRAS, REPLAY], attest('extend', certified(counterPublic))],
    [
      'extend-from-the-second-half',
      [EXTRAS, REPLAY],
      attest('extend', () => ({ body: nvBody(extendPublic, seed('x').subarray(16), 16) })),
    ],
    ['extend-that-is-a-time', EXTRAS, attest('extend', asTime)],
  ];
}

function wrongCreations(): Row[] {
  const change = (how: Change): TpmFlaws => attest('creation', how);
  const signer = qualified(OWNER, ekPublic, akPublic);
  return [
    ['creation-by-another-key', CREATION, signature('creation', (m) => mallory.sign(m.attest))],
    ['creation-signature-changed', CREATION, signature('creation', (m) => flipped(m.signature))],
    ['creation-signed-over-sha-1', CREATION, signature('creation', (m) => bySha1(m.attest))],
    ['creation-in-the-storage-hierarchy', CREATION, change(() => ({ signer }))],
    ['creation-for-another-ledger', CREATION, change(() => ({ extraData: seed('another') }))],
    ['creation-of-another-key', CREATION, change(({ body }) => ({ body: flipped(body, 10) }))],
    ['creation-of-other-data', CREATION, change(({ body }) => ({ body: flipped(body) }))],
    ['creation-that-is-a-time', CREATION, change(asTime)],
    [
      'creation-that-certifies-an-index',
      CREATION,
      change(() => ({ type: TYPE.N, body: nvBody(counterPublic, encodeU64(8n)) })),
    ],
  ];
}

function attest(name: AttestName, change: Change): TpmFlaws {
  return { attest: { [name]: (fields: AttestFields) => ({ ...fields, ...change(fields) }) } };
}

function signature(name: AttestName, change: (made: Signed) => Uint8Array): TpmFlaws {
  return { signature: { [name]: change } };
}

function quoted(pcrs: readonly number[], bank?: number): Change {
  return () => ({ type: TYPE.quote, body: quoteBody(pcrs, seed('values'), bank) });
}

function certified(nvPublic: Uint8Array): Change {
  return () => ({ type: TYPE.N, body: nvBody(nvPublic, encodeU64(8n)) });
}

/** TPMS_TIME_ATTEST_INFO of the same moment. */
function asTime({ clockMs, resetCount, restartCount }: AttestFields): Partial<AttestFields> {
  const clock = [encodeU64(clockMs), u32(resetCount), u32(restartCount), Uint8Array.of(1)];
  return { type: TYPE.L, body: concatBytes(encodeU64(clockMs), ...clock, encodeU64(0n)) };
}

/** A counter with another handle. */
function anotherIndex(): Uint8Array {
  return flipped(counterPublic, 3);
}

/** The Qualified Name of `key` under `parent`, a primary of the hierarchy with `handle`. */
function qualified(handle: string, parent: Uint8Array, key: Uint8Array): Uint8Array {
  const nameOf = (bytes: Uint8Array): Uint8Array => concatBytes(u16(0x000b), sha256(bytes));
  const [above, below] = [parseObjectPublic(parent).name, parseObjectPublic(key).name];
  return nameOf(concatBytes(nameOf(concatBytes(decodeHex(handle), above)), below));
}

/** By the right key, over the digest that no attestation may have. */
function bySha1(message: Uint8Array): Uint8Array {
  return new Uint8Array(p256.sign(sha1(message), seed('alpha ak'), { prehash: false }));
}

function flipped(bytes: Uint8Array, at: number = bytes.length - 1): Uint8Array {
  return bytes.with(at, (bytes[at] ?? 0) ^ 1);
}
