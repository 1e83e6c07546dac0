/**
 * Fuzz targets: each takes any bytes and throws when a promise of the parser breaks: nothing but a
 * `ProofError` leaves it, what it accepts encodes back to the same bytes, and no verdict on changed
 * bytes is VALID.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';

import {
  answerChallenge,
  decodeAttestationChallenge,
  decodeChallengeAnswer,
  decodeKeptChallenge,
  encodeAttestationChallenge,
  encodeChallengeAnswer,
  encodeKeptChallenge,
} from '../../src/attestation-challenge.ts';
import { decodeBundle, encodeBundle } from '../../src/bundle.ts';
import { decodeHex, decodeUtf8, encodeUtf8, equalBytes } from '../../src/bytes.ts';
import { decodeCbor, encodeCbor } from '../../src/cbor.ts';
import { parseCertificate } from '../../src/certificate.ts';
import { formatTreeHead, parseTreeHead } from '../../src/checkpoint.ts';
import { decodeCoseKey, decodeSign1, encodeCoseKey, encodeSign1 } from '../../src/cose.ts';
import { decodeEntry, encodeEntry } from '../../src/entry.ts';
import {
  decodeEnvelope,
  encodeEnvelope,
  envelopeFromJson,
  envelopeToJson,
} from '../../src/envelope.ts';
import { applianceIdOf } from '../../src/identifier.ts';
import { formatNote, parseNote } from '../../src/note.ts';
import { formatTrustPolicy, parseTrustPolicy } from '../../src/policy.ts';
import { decodeOperatorOrder, encodeOperatorOrder } from '../../src/operator-order.ts';
import { ProofError } from '../../src/proof-error.ts';
import { decodeRestoration, encodeRestoration } from '../../src/restoration.ts';
import {
  encodeSshPublicKey,
  formatSshPublicKeyLine,
  parseSshPublicKey,
  parseSshPublicKeyLine,
  SSH_KEY_TYPES,
} from '../../src/ssh-key.ts';
import { armorSshsig, encodeSshsig, parseSshsig, readSshsig } from '../../src/sshsig.ts';
import { PTP_MANAGEMENT_IDS } from '../../src/time/ptp-management-ids.ts';
import { decodePtpManagement } from '../../src/time/ptp-management.ts';
import { formatTlogProof, parseTlogProof } from '../../src/tlog-proof.ts';
import { p1363OfTpmtSignature, parseAttest } from '../../src/tpm-attest.ts';
import {
  parseCreationData,
  parseNvPublic,
  parseObjectPublic,
  parseSigningPublic,
  parseStoragePublic,
} from '../../src/tpm-public.ts';
import { verify } from '../../src/verify/verify.ts';
import { operatorKey } from '../corpus/operators.ts';
import type { Exhibit } from '../corpus/scenario.ts';
import { committedCases, committedExhibit } from './committed-corpus.ts';
import { GNSS_FUZZ_TARGETS } from './gnss-fuzz.ts';
import { rememberingVerifier } from './remembering-verifier.ts';
import { TIME_FUZZ_TARGETS } from './time-fuzz.ts';
import { readTestdata, testdataPath } from './vectors.ts';

export interface FuzzTarget {
  readonly corpus: readonly Uint8Array[];
  /** Throws when a promise is broken; returns whether the input was accepted. */
  readonly run: (bytes: Uint8Array) => boolean | Promise<boolean>;
}

export const FUZZ_TARGETS: Readonly<Record<string, () => FuzzTarget>> = {
  cbor: () => ({
    corpus: exhibits().map(({ bytes }) => bytes),
    run: (bytes) => roundTrips(bytes, decodeCbor, encodeCbor),
  }),
  note: () => ({
    corpus: proofs(),
    run(bytes) {
      const isProof = roundTrips(bytes, parseTlogProof, formatTlogProof);
      const isNote = roundTrips(bytes, parseNote, formatNote);
      const head = (text: Uint8Array): ReturnType<typeof parseTreeHead> =>
        parseTreeHead(decodeUtf8(text));
      return roundTrips(bytes, head, (h) => encodeUtf8(formatTreeHead(h))) || isProof || isNote;
    },
  }),
  cose: () => ({
    corpus: entries().flatMap(({ entry }) => embeddedCose(entry)),
    run: (bytes) =>
      roundTrips(bytes, decodeSign1, encodeSign1) ||
      roundTrips(bytes, decodeCoseKey, encodeCoseKey),
  }),
  entry: () => ({
    corpus: entries().map(({ bytes }) => bytes),
    run: (bytes) => roundTrips(bytes, decodeEntry, encodeEntry),
  }),
  envelope: () => ({
    corpus: entries().flatMap(({ entry }) => (entry.kind === 'action' ? [entry.envelope] : [])),
    run(bytes) {
      const isAccepted = roundTrips(bytes, decodeEnvelope, encodeEnvelope);
      if (!isAccepted) return false;
      const envelope = decodeEnvelope(bytes);
      assert.deepEqual(encodeEnvelope(envelopeFromJson(envelopeToJson(envelope))), bytes);
      return true;
    },
  }),
  tpm: () => ({ corpus: tpmStructures(), run: parsesTpm }),
  'ptp-management': () => ({
    corpus: ptpDatagrams(),
    run: (bytes) =>
      [bytes, withTrueLengths(bytes)]
        .map((datagram) => isTotal(() => decodePtpManagement(datagram)))
        .some(Boolean),
  }),
  challenge: () => ({
    corpus: challengeFiles(),
    run: (bytes) =>
      roundTrips(bytes, decodeAttestationChallenge, encodeAttestationChallenge) ||
      roundTrips(bytes, decodeChallengeAnswer, encodeChallengeAnswer) ||
      roundTrips(bytes, decodeKeptChallenge, encodeKeptChallenge),
  }),
  certificate: () => ({
    corpus: Object.values(readTestdata<Record<string, string>>('tpm/certificates.json'))
      .filter((value) => value.startsWith('30'))
      .map(decodeHex),
    run: (bytes) => isTotal(() => parseCertificate(bytes)),
  }),
  ssh: () => ({ corpus: sshStructures(), run: parsesSsh }),
  policy: () => ({
    corpus: exhibits().map(({ policy }) => encodeUtf8(formatTrustPolicy(policy))),
    run: (bytes) =>
      isTotal(() => {
        const policy = parseTrustPolicy(decodeUtf8(bytes));
        assert.deepEqual(parseTrustPolicy(formatTrustPolicy(policy)), policy);
      }),
  }),
  ...GNSS_FUZZ_TARGETS,
  ...TIME_FUZZ_TARGETS,
  bundle: () => {
    const all = exhibits();
    const options = { verifyBatch: rememberingVerifier() };
    const valid = all.map(({ bytes }) => bytes);
    const [{ policy }] = all as [Exhibit, ...Exhibit[]];
    return {
      corpus: valid,
      async run(bytes) {
        const isAccepted = roundTrips(bytes, decodeBundle, encodeBundle);
        const verdict = await verify(bytes, policy, options);
        if (verdict.overall !== 'VALID') return isAccepted;
        assert.ok(valid.some((known) => equalBytes(known, bytes)) || saysLess(bytes, valid));
        return true;
      },
    };
  },
};

/** The committed bundles, all under one policy. */
function exhibits(): Exhibit[] {
  const { policy } = committedExhibit('accept', 'outcome');
  return (['accept', 'reject'] as const).flatMap((folder) =>
    committedCases(folder).map(({ name }) => ({ ...committedExhibit(folder, name), policy })),
  );
}

function proofs(): Uint8Array[] {
  const bundles = exhibits().flatMap(({ bytes }) => decodeOrNothing(bytes));
  return bundles.flatMap(({ proof }) => {
    const { checkpointBytes, checkpoint } = parseTlogProof(proof);
    return [proof, checkpointBytes, encodeUtf8(checkpoint.note.text)];
  });
}

function entries(): { bytes: Uint8Array; entry: ReturnType<typeof decodeEntry> }[] {
  const bundles = exhibits().flatMap(({ bytes }) => decodeOrNothing(bytes));
  const all = bundles.flatMap(({ entry, others }) => [
    entry,
    ...others.map((other) => other.entry),
  ]);
  return all.map((bytes) => ({ bytes, entry: decodeEntry(bytes) }));
}

function decodeOrNothing(bytes: Uint8Array): ReturnType<typeof decodeBundle>[] {
  try {
    return [decodeBundle(bytes)];
  } catch (error) {
    if (error instanceof ProofError) return [];
    throw error;
  }
}

function embeddedCose(entry: ReturnType<typeof decodeEntry>): Uint8Array[] {
  if (entry.kind === 'statement') return [entry.statement];
  if (entry.kind === 'session.open') return [entry.request];
  return entry.kind === 'agent.enrol' ? [entry.proofOfPossession, entry.key] : [];
}

/** Whether `bytes` are accepted; throws unless what is accepted encodes back to `bytes`. */
function roundTrips<T>(
  bytes: Uint8Array,
  decode: (bytes: Uint8Array) => T,
  encode: (value: T) => Uint8Array,
): boolean {
  return isTotal(() => {
    const value = decode(bytes);
    assert.ok(equalBytes(encode(value), bytes), 'does not encode back to the same bytes');
  });
}

function isTotal(parse: () => void): boolean {
  try {
    parse();
    return true;
  } catch (error) {
    if (error instanceof ProofError) return false;
    throw error;
  }
}

/** A bundle that leaves out disclosures or the agent's head stays true. */
function saysLess(bytes: Uint8Array, valid: readonly Uint8Array[]): boolean {
  const bare = (encoded: Uint8Array): Uint8Array =>
    encodeBundle({ ...decodeBundle(encoded), disclosures: [], agentHead: null });
  const stripped = bare(bytes);
  return valid.some(
    (known) => decodeOrNothing(known).length > 0 && equalBytes(bare(known), stripped),
  );
}

function parsesTpm(bytes: Uint8Array): boolean {
  const parsers = [
    parseAttest,
    p1363OfTpmtSignature,
    parseObjectPublic,
    parseSigningPublic,
    parseStoragePublic,
    parseNvPublic,
    parseCreationData,
  ];
  return parsers.map((parse) => isTotal(() => parse(bytes))).some(Boolean);
}

function sshStructures(): Uint8Array[] {
  const nonce = new Uint8Array(32);
  const payload = encodeUtf8('payload');
  const order = encodeOperatorOrder({
    kind: 'restore',
    ledgerId: nonce,
    nonce,
    expiryTaiNs: 1n,
    payload,
  });
  const keys = SSH_KEY_TYPES.map((type) => operatorKey('ada', type));
  const signatures = keys.map((key) => encodeSshsig(key.sign(order)));
  return [
    order,
    encodeRestoration(someRestoration),
    ...signatures,
    ...signatures.map((bytes) => encodeUtf8(armorSshsig(bytes))),
    ...keys.map(({ line }) => encodeUtf8(line)),
    ...keys.map(({ publicKey }) => encodeSshPublicKey(publicKey)),
  ];
}

const someRestoration = {
  version: 1,
  size: 9n,
  root: new Uint8Array(32),
  previousAnchorIndex: 7n,
  previousAnchorLeafHash: new Uint8Array(32).fill(1),
  nextAnchorSequence: 3n,
  anchoredSize: 6n,
  logged: { counter: 4n, extend: new Uint8Array(32) },
  found: {
    counter: 6n,
    extend: null,
    pcr: new Uint8Array(32),
    resetCount: 1,
    restartCount: 0,
    clockMs: 1000n,
  },
} as const;

function parsesSsh(bytes: Uint8Array): boolean {
  const line = (text: Uint8Array): ReturnType<typeof parseSshPublicKeyLine> =>
    parseSshPublicKeyLine(decodeUtf8(text));
  return [
    roundTrips(bytes, parseSshsig, encodeSshsig),
    roundTrips(bytes, parseSshPublicKey, encodeSshPublicKey),
    roundTrips(bytes, decodeOperatorOrder, encodeOperatorOrder),
    roundTrips(bytes, decodeRestoration, encodeRestoration),
    isTotal(() => readSshsig(bytes)),
    isTotal(() => formatSshPublicKeyLine(line(bytes))),
  ].some(Boolean);
}

/** Their bytes need not be a credential: these files are parsed before any TPM sees them. */
function challengeFiles(): Uint8Array[] {
  const version = 1;
  return entries().flatMap(({ entry }) => {
    if (entry.kind !== 'genesis') return [];
    const { applianceDocument } = entry;
    const challenge = encodeAttestationChallenge({
      form: 'kudurru challenge',
      version,
      applianceId: applianceIdOf(applianceDocument),
      akName: new Uint8Array(34),
      credentialBlob: new Uint8Array(70),
      encryptedSecret: new Uint8Array(102),
    });
    const secret = new Uint8Array(32);
    const form = 'kudurru challenge secret';
    return [
      challenge,
      answerChallenge(challenge, secret),
      encodeKeptChallenge({ form, version, challenge, secret, applianceDocument }),
    ];
  });
}

/** Captured from stock ptp4l, and the same data under each of the other names. */
function ptpDatagrams(): Uint8Array[] {
  const found = readdirSync(testdataPath('ptp')).flatMap((file) => {
    const text = readFileSync(testdataPath(`ptp/${file}`), 'utf8');
    return [...text.matchAll(/"hex": "((?:[0-9a-f]{2})+)"/g)].map(([, hex = '']) => decodeHex(hex));
  });
  return [...found, ...found.filter((bytes) => bytes.length > 54).flatMap(asAnotherSet)];
}

function asAnotherSet(bytes: Uint8Array): Uint8Array[] {
  return Object.values(PTP_MANAGEMENT_IDS).map(({ id }) => {
    const other = bytes.slice();
    new DataView(other.buffer).setUint16(52, id);
    return other;
  });
}

/** Datagrams that do not have the lengths they say are refused before their data is looked at. */
function withTrueLengths(bytes: Uint8Array): Uint8Array {
  const datagram = bytes.slice();
  const view = new DataView(datagram.buffer);
  if (datagram.length >= 54) {
    view.setUint16(2, datagram.length & 0xffff);
    view.setUint16(50, (datagram.length - 52) & 0xffff);
  }
  return datagram;
}

function tpmStructures(): Uint8Array[] {
  const found: string[] = [];
  JSON.stringify(readTestdata('tpm/swtpm.json'), (_, value: unknown) => {
    if (typeof value === 'string' && /^(?:[0-9a-f]{2})+$/.test(value)) found.push(value);
    return value;
  });
  return found.map(decodeHex);
}
