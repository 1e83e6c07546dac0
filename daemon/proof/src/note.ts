/**
 * C2SP signed notes (c2sp.org/signed-note) and verifier keys, with the two signature types that a
 * log of ours carries: 0x01 Ed25519 and 0x02 ECDSA P-256. Lines of other keys are kept as they are.
 * Whatever parses formats back to the same bytes.
 */
import {
  concatBytes,
  decodeBase64,
  decodeHex,
  decodeUtf8,
  encodeBase64,
  encodeHex,
  encodeUtf8,
  equalBytes,
} from './bytes.ts';
import { p1363OfDer, p256PointOfSpki, spkiOfP256Point } from './es256.ts';
import { ProofError } from './proof-error.ts';
import type { PublicKey } from './public-key.ts';
import { requirePublicKey, verifySignature } from './public-key.ts';
import { sha256 } from './sha256.ts';

/** C2SP asks verifiers for at least 16. */
export const NOTE_SIGNATURES_MAX = 64;
/** Room for that many post-quantum signature lines of 5 kB, and the text. */
export const NOTE_SIZE_BYTES_MAX = 512 * 1024;

const KEY_ID_SIZE_BYTES = 4;
const SIGNATURE_PREFIX = '— ';
// Control characters below U+0020, except newline.
const CONTROL_CHARACTER = /[\u0000-\u0009\u000b-\u001f]/;
const FORBIDDEN_IN_NAME = /[\p{White_Space}+]/u;

/** One signature line: who claims to have signed, and the bytes after the key id. */
export interface NoteSignature {
  readonly name: string;
  /** 4 bytes. */
  readonly keyId: Uint8Array;
  /** At least 1 byte. For 0x01 the signature itself, for 0x02 its DER form. */
  readonly signature: Uint8Array;
}

export interface SignedNote {
  /** Ends in a newline; it is what the signatures cover. */
  readonly text: string;
  /** At least one. */
  readonly signatures: readonly NoteSignature[];
}

/** A key that a reader trusts to sign notes under `name`. */
export interface VerifierKey {
  readonly name: string;
  readonly key: PublicKey;
}

/** What a note says about one verifier key. */
export type NoteSignatureState = 'valid' | 'invalid' | 'absent';

/** @throws ProofError `note-malformed`, `limit-exceeded` */
export function parseNote(bytes: Uint8Array): SignedNote {
  if (bytes.length > NOTE_SIZE_BYTES_MAX) {
    throw new ProofError('limit-exceeded', `note: longer than ${NOTE_SIZE_BYTES_MAX} bytes`);
  }
  const whole = decodeText(bytes);
  const split = whole.lastIndexOf('\n\n');
  if (split < 0 || !whole.endsWith('\n')) throw malformed('no blank line before the signatures');
  const text = whole.slice(0, split + 1);
  const lines = whole.slice(split + 2).split('\n');
  lines.pop(); // what follows the final newline: nothing
  if (lines.length === 0) throw malformed('no signature');
  if (lines.length > NOTE_SIGNATURES_MAX) {
    throw new ProofError('limit-exceeded', `note: more than ${NOTE_SIGNATURES_MAX} signatures`);
  }
  return { text, signatures: lines.map(parseSignatureLine) };
}

/** @throws ProofError `note-malformed` when the parts do not make a note */
export function formatNote(note: SignedNote): Uint8Array {
  const lines = note.signatures.map(
    ({ name, keyId, signature }) =>
      `${SIGNATURE_PREFIX}${name} ${encodeBase64(concatBytes(keyId, signature))}\n`,
  );
  const bytes = encodeUtf8(`${note.text}\n${lines.join('')}`);
  const parsed = parseNote(bytes);
  if (parsed.text !== note.text) throw malformed('the text does not end in one newline');
  return bytes;
}

/**
 * State of the line of `key` in `note`: `invalid` as soon as one line that names the key does not
 * verify, `absent` when no line names it.
 */
export function verifyNote(note: SignedNote, key: VerifierKey): NoteSignatureState {
  const keyId = verifierKeyId(key);
  const own = note.signatures.filter(
    (line) => line.name === key.name && equalBytes(line.keyId, keyId),
  );
  if (own.length === 0) return 'absent';
  const message = encodeUtf8(note.text);
  return own.every((line) => isLineValid(line, key.key, message)) ? 'valid' : 'invalid';
}

/** Key id: for Ed25519 over name and key, for ECDSA over the DER SPKI alone. 4 bytes. */
export function verifierKeyId({ name, key }: VerifierKey): Uint8Array {
  const hash =
    key.algorithm === 'Ed25519'
      ? sha256(encodeUtf8(`${name}\n`), typedKeyBytes(key))
      : sha256(spkiOfP256Point(key.bytes));
  return hash.subarray(0, KEY_ID_SIZE_BYTES);
}

/** `name+hex(key id)+base64(type ‖ key)`, where an ECDSA key is its DER SPKI. */
export function formatVerifierKey(verifier: VerifierKey): string {
  requireName(verifier.name);
  requirePublicKey(verifier.key);
  const typed = encodeBase64(typedKeyBytes(verifier.key));
  return `${verifier.name}+${encodeHex(verifierKeyId(verifier))}+${typed}`;
}

/** @throws ProofError `note-malformed`, `key-malformed` */
export function parseVerifierKey(text: string): VerifierKey {
  const [name = '', keyId = '', ...rest] = text.split('+');
  requireName(name);
  const typed = decodeOr(() => decodeBase64(rest.join('+')), 'verifier key: bad base64');
  const verifier = { name, key: publicKeyOfTyped(typed) };
  const claimed = decodeOr(() => decodeHex(keyId), 'verifier key: bad key id');
  if (!equalBytes(claimed, verifierKeyId(verifier))) {
    throw malformed(`verifier key: key id '${keyId}' does not belong to the key`);
  }
  return verifier;
}

/** Throws unless `name` can name a key. @throws ProofError `note-malformed` */
export function requireName(name: string): void {
  if (name === '' || FORBIDDEN_IN_NAME.test(name) || CONTROL_CHARACTER.test(name)) {
    throw malformed(`key name '${name}' is empty or holds a space, a plus or a control character`);
  }
}

function decodeText(bytes: Uint8Array): string {
  const text = decodeOr(() => decodeUtf8(bytes), 'invalid utf-8');
  if (CONTROL_CHARACTER.test(text)) throw malformed('control character');
  return text;
}

function parseSignatureLine(line: string): NoteSignature {
  const [name = '', encoded = '', ...rest] = line.slice(SIGNATURE_PREFIX.length).split(' ');
  if (!line.startsWith(SIGNATURE_PREFIX) || rest.length > 0) {
    throw malformed("a signature line reads '— name base64'");
  }
  requireName(name);
  const bytes = decodeOr(() => decodeBase64(encoded), `signature of '${name}': bad base64`);
  if (bytes.length <= KEY_ID_SIZE_BYTES) throw malformed(`signature of '${name}': too short`);
  return {
    name,
    keyId: bytes.subarray(0, KEY_ID_SIZE_BYTES),
    signature: bytes.subarray(KEY_ID_SIZE_BYTES),
  };
}

function isLineValid(line: NoteSignature, key: PublicKey, message: Uint8Array): boolean {
  if (key.algorithm === 'Ed25519') return verifySignature({ key, message, ...line });
  let signature: Uint8Array;
  try {
    signature = p1363OfDer(line.signature);
  } catch (error) {
    if (error instanceof ProofError) return false;
    throw error;
  }
  return verifySignature({ key, message, signature });
}

function typedKeyBytes(key: PublicKey): Uint8Array {
  return key.algorithm === 'Ed25519'
    ? concatBytes(Uint8Array.of(1), key.bytes)
    : concatBytes(Uint8Array.of(2), spkiOfP256Point(key.bytes));
}

function publicKeyOfTyped(typed: Uint8Array): PublicKey {
  const bytes = typed.subarray(1);
  if (typed[0] === 2) return { algorithm: 'ESP256', bytes: p256PointOfSpki(bytes) };
  if (typed[0] !== 1) throw malformed(`verifier key: unknown signature type ${typed[0]}`);
  const key: PublicKey = { algorithm: 'Ed25519', bytes };
  requirePublicKey(key);
  return key;
}

/** Gives a malformed text form this file's code, keeping the first error as the cause. */
function decodeOr<T>(decode: () => T, reason: string): T {
  try {
    return decode();
  } catch (cause) {
    throw new ProofError('note-malformed', `note: ${reason}`, { cause });
  }
}

function malformed(reason: string): ProofError {
  return new ProofError('note-malformed', `note: ${reason}`);
}
