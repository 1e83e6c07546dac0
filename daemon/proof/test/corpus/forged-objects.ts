/** Keys and indexes that do not do what the anchors take them to do. */
import { flip } from './scenario.ts';
import { forged } from './forged-case.ts';
import { seed } from './keys.ts';
import type { RejectCase } from './reject-case.ts';
import type { TpmFlaws } from './software-tpm.ts';
import { u16 } from './software-tpm.ts';

const AK = 'who.attestation-key';
const KEY = 'who.checkpoint-key';
const INDEXES = 'who.indexes';
const FORM = 'what.entry-form';

const rows: readonly (readonly [name: string, check: string, flaws: TpmFlaws])[] = [
  ['ak-that-may-leave-its-tpm', AK, { akAttributes: 0x0005_0470 }],
  ['ak-that-may-have-another-parent', AK, { akAttributes: 0x0005_0462 }],
  ['ak-made-outside', AK, { akAttributes: 0x0005_0452 }],
  ['ak-that-signs-anything', AK, { akAttributes: 0x0004_0472 }],
  ['ak-that-decrypts-too', AK, { akAttributes: 0x0007_0472 }],
  ['ak-that-does-not-sign', AK, { akAttributes: 0x0001_0472 }],
  ['ak-of-no-fixed-scheme', AK, { akPublic: (bytes) => withScheme(bytes, u16(0x0010)) }],
  ['ak-on-another-curve', FORM, { akPublic: (bytes) => withCurve(bytes, 0x0004) }],
  ['ak-off-its-curve', FORM, { akPublic: (bytes) => flip(bytes) }],
  ['ek-that-may-leave-its-tpm', AK, { ekAttributes: 0x0003_00b0 }],
  ['ek-that-may-have-another-parent', AK, { ekAttributes: 0x0003_00a2 }],
  ['ek-made-outside', AK, { ekAttributes: 0x0003_0092 }],
  ['ek-that-decrypts-anything', AK, { ekAttributes: 0x0002_00b2 }],
  ['ek-that-signs', AK, { ekAttributes: 0x0007_00b2 }],
  ['checkpoint-key-that-may-leave-its-tpm', KEY, { checkpointKeyAttributes: 0x0004_0470 }],
  ['checkpoint-key-that-may-have-another-parent', KEY, { checkpointKeyAttributes: 0x0004_0462 }],
  ['checkpoint-key-made-outside', KEY, { checkpointKeyAttributes: 0x0004_0452 }],
  ['checkpoint-key-that-is-restricted', KEY, { checkpointKeyAttributes: 0x0005_0472 }],
  ['checkpoint-key-made-for-another-ledger', KEY, { creationOutsideInfo: seed('another') }],
  ['checkpoint-key-made-for-nothing', KEY, { creationOutsideInfo: new Uint8Array(0) }],
  ['counter-that-is-ordinary', INDEXES, { counterAttributes: 0x2206_0006 }],
  ['counter-that-extends', INDEXES, { counterAttributes: 0x2206_0046 }],
  ['counter-of-bits', INDEXES, { counterAttributes: 0x2206_0026 }],
  ['counter-never-written', INDEXES, { counterAttributes: 0x0206_0016 }],
  ['counter-kept-in-memory', INDEXES, { counterAttributes: 0x2606_0016 }],
  ['counter-cleared-at-start', INDEXES, { counterAttributes: 0x2a06_0016 }],
  ['extend-index-that-is-ordinary', INDEXES, { extendAttributes: 0x2206_0006 }],
  ['extend-index-that-counts', INDEXES, { extendAttributes: 0x2206_0016 }],
  ['extend-index-kept-in-memory', INDEXES, { extendAttributes: 0x2606_0046 }],
  ['extend-index-cleared-at-start', INDEXES, { extendAttributes: 0x2a06_0046 }],
  ['extend-index-of-sha-1', INDEXES, { extendSizeBytes: 20 }],
];

/** Documents with an AK of a form that is never read further. */
const unreadable: readonly (readonly [name: string, change: (ak: Uint8Array) => Uint8Array])[] = [
  ['ak-with-sha-1', (ak) => withHash(ak, 0x0004)],
  ['ak-with-sha-384', (ak) => withHash(ak, 0x000c)],
  ['ak-of-an-rsa-scheme', (ak) => withScheme(ak, Uint8Array.of(0x00, 0x14, ...u16(0x000b)))],
  ['ak-cut-off', (ak) => ak.subarray(0, -1)],
  ['ak-with-more-behind-it', (ak) => Uint8Array.from([...ak, 0])],
];

export const FORGED_OBJECTS: readonly RejectCase[] = [
  ...rows.map(([name, check, tpm]) => forged(name, check, { tpm })),
  ...unreadable.map(([name, change]) =>
    forged(name, FORM, {
      document: (document) => ({ ...document, akPublic: change(document.akPublic) }),
    }),
  ),
];

/** Where the scheme of the AK of the corpus stands: type, name, attributes, policy, no cipher. */
const SCHEME_AT = 2 + 2 + 4 + 2 + 2;

function withScheme(bytes: Uint8Array, scheme: Uint8Array): Uint8Array {
  return Uint8Array.from([
    ...bytes.subarray(0, SCHEME_AT),
    ...scheme,
    ...bytes.subarray(SCHEME_AT + 4),
  ]);
}

function withHash(bytes: Uint8Array, hash: number): Uint8Array {
  return withScheme(bytes, Uint8Array.of(0x00, 0x18, ...u16(hash)));
}

function withCurve(bytes: Uint8Array, curve: number): Uint8Array {
  const changed = bytes.slice();
  changed.set(u16(curve), SCHEME_AT + 4);
  return changed;
}
