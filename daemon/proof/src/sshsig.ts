/**
 * SSHSIG (OpenSSH's PROTOCOL.sshsig, version 1): what `ssh-keygen -Y sign -n kudurru` makes from an
 * operator's key, with PROTOCOL.u2f's form for FIDO2 authenticators. The binary form is what
 * entries hold; the armored one is what the tool writes. Parsing proves nothing: `sshsigCheck` says
 * which signature is to be verified over which bytes.
 */
import { sha512 } from '@noble/hashes/sha2.js';

import {
  concatBytes,
  decodeBase64,
  decodeUtf8,
  encodeBase64,
  encodeUtf8,
  equalBytes,
} from './bytes.ts';
import { ProofError } from './proof-error.ts';
import type { SignatureCheck } from './public-key.ts';
import { SIGNATURE_SIZE_BYTES, verifySignature } from './public-key.ts';
import { sha256 } from './sha256.ts';
import type { SshPublicKey } from './ssh-key.ts';
import {
  encodeSshPublicKey,
  isEd25519,
  isSecurityKey,
  parseSshPublicKey,
  SSH_KEY_SIZE_BYTES_MAX,
} from './ssh-key.ts';
import { sshMpint, SshReader, sshString, sshU32 } from './ssh-wire.ts';

/** What operators sign under: `ssh-keygen -Y sign -n kudurru`. */
export const SSHSIG_NAMESPACE = 'kudurru';
/** Room for the longest key and its signature; a plain one has about 200 bytes. */
export const SSHSIG_SIZE_BYTES_MAX = 1024;

const MAGIC = encodeUtf8('SSHSIG');
const VERSION = 1;
const NAMESPACE_SIZE_BYTES_MAX = 64;
const SIGNATURE_BLOB_SIZE_BYTES_MAX = 256;
const ECDSA_BLOB_SIZE_BYTES_MAX = 80;
const ARMOR_BEGIN = '-----BEGIN SSH SIGNATURE-----\n';
const ARMOR_END = '-----END SSH SIGNATURE-----\n';
const ARMOR_LINE_CHARACTERS_MAX = 76;
/** What ssh-keygen breaks at. */
const ARMOR_LINE_CHARACTERS = 70;
const ARMOR_CHARACTERS_MAX = 2048;

export type SshsigHash = 'sha256' | 'sha512';

/** What a FIDO2 authenticator says beside its signature, and signs. */
export interface SecurityKeyFlags {
  /** Flags byte of the authenticator's data. */
  readonly bits: number;
  /** Somebody touched the authenticator. */
  readonly isPresent: boolean;
  /** The authenticator knew who, by PIN or biometry. */
  readonly isVerified: boolean;
  /** The authenticator's own count of signatures. */
  readonly counter: number;
}

export interface Sshsig {
  readonly publicKey: SshPublicKey;
  readonly namespace: string;
  readonly hash: SshsigHash;
  /** Ed25519, or r ‖ s: 64 bytes. */
  readonly signature: Uint8Array;
  /** Null for a key in software. */
  readonly securityKey: SecurityKeyFlags | null;
}

const FLAG = { present: 0x01, verified: 0x04 } as const;

/** The binary form. @throws ProofError `ssh-malformed`, `key-malformed`, `limit-exceeded` */
export function parseSshsig(bytes: Uint8Array): Sshsig {
  if (bytes.length > SSHSIG_SIZE_BYTES_MAX) {
    throw new ProofError('limit-exceeded', `sshsig: longer than ${SSHSIG_SIZE_BYTES_MAX} bytes`);
  }
  const reader = new SshReader('sshsig', bytes);
  if (!equalBytes(reader.bytes(MAGIC.length), MAGIC)) {
    throw reader.malformed("does not begin with 'SSHSIG'");
  }
  const version = reader.u32();
  if (version !== VERSION) throw reader.malformed(`version ${version}`);
  const publicKey = parseSshPublicKey(reader.string(SSH_KEY_SIZE_BYTES_MAX));
  const namespace = reader.text(NAMESPACE_SIZE_BYTES_MAX);
  if (namespace === '') throw reader.malformed('the namespace is empty');
  if (reader.string(0).length > 0) throw reader.malformed('the reserved field is not empty');
  const hash = requireHash(reader);
  const blob = reader.string(SIGNATURE_BLOB_SIZE_BYTES_MAX);
  reader.end();
  return { publicKey, namespace, hash, ...readSignature(publicKey, blob) };
}

/** @throws ProofError `key-malformed`, `ssh-malformed` for what does not parse again */
export function encodeSshsig(sshsig: Sshsig): Uint8Array {
  const { publicKey, namespace, hash } = sshsig;
  const bytes = concatBytes(
    MAGIC,
    sshU32(VERSION),
    sshString(encodeSshPublicKey(publicKey)),
    sshString(namespace),
    sshString(''),
    sshString(hash),
    sshString(signatureBlob(sshsig)),
  );
  parseSshsig(bytes);
  return bytes;
}

/**
 * The binary form of an armored one: lines of one width (at most 76), the last of them shorter or
 * as long, with nothing before or after. @throws ProofError `ssh-malformed`, `limit-exceeded`
 */
export function dearmorSshsig(text: string): Uint8Array {
  if (text.length > ARMOR_CHARACTERS_MAX) {
    throw new ProofError(
      'limit-exceeded',
      `sshsig: longer than ${ARMOR_CHARACTERS_MAX} characters`,
    );
  }
  const end = text.length - ARMOR_END.length;
  if (!text.startsWith(ARMOR_BEGIN) || !text.endsWith(ARMOR_END) || end <= ARMOR_BEGIN.length) {
    throw malformed("not between the lines 'BEGIN SSH SIGNATURE' and 'END SSH SIGNATURE'");
  }
  const lines = text.slice(ARMOR_BEGIN.length, end).split('\n');
  if (lines.pop() !== '') throw malformed('the last line of base64 does not end');
  const [first = '', last = ''] = [lines[0], lines.at(-1)];
  const areEven = lines.slice(0, -1).every((line) => line.length === first.length);
  const isOrderly = areEven && last !== '' && last.length <= first.length;
  if (!isOrderly || first.length > ARMOR_LINE_CHARACTERS_MAX) {
    throw malformed('lines of base64 are not of one width');
  }
  try {
    return decodeBase64(lines.join(''));
  } catch (cause) {
    throw new ProofError('ssh-malformed', 'sshsig: bad base64', { cause });
  }
}

/** The armored form, as ssh-keygen writes it. */
export function armorSshsig(bytes: Uint8Array): string {
  const encoded = encodeBase64(bytes);
  let lines = '';
  for (let at = 0; at < encoded.length; at += ARMOR_LINE_CHARACTERS) {
    lines += `${encoded.slice(at, at + ARMOR_LINE_CHARACTERS)}\n`;
  }
  return `${ARMOR_BEGIN}${lines}${ARMOR_END}`;
}

/** A signature in a file: armored text, or the binary form. @throws ProofError */
export function readSshsig(bytes: Uint8Array): Sshsig {
  const isBinary = equalBytes(bytes.subarray(0, MAGIC.length), MAGIC);
  return parseSshsig(isBinary ? bytes : dearmorSshsig(decodeUtf8(bytes)));
}

/** The signature that `sshsig` claims to be of `message`, as one to be verified. */
export function sshsigCheck(sshsig: Sshsig, message: Uint8Array): SignatureCheck {
  const { publicKey, namespace, hash, signature, securityKey } = sshsig;
  const digest = hash === 'sha256' ? sha256(message) : sha512(message);
  const signed = concatBytes(
    MAGIC,
    sshString(namespace),
    sshString(''),
    sshString(hash),
    sshString(digest),
  );
  const { key, application } = publicKey;
  if (securityKey === null || application === null) return { key, message: signed, signature };
  const { bits, counter } = securityKey;
  const data = [sha256(encodeUtf8(application)), Uint8Array.of(bits), sshU32(counter)];
  return { key, message: concatBytes(...data, sha256(signed)), signature };
}

/** Whether `sshsig` is a signature of `message` in the namespace `kudurru`, under SPEC.md §2.1. */
export function verifySshsig(sshsig: Sshsig, message: Uint8Array): boolean {
  return sshsig.namespace === SSHSIG_NAMESPACE && verifySignature(sshsigCheck(sshsig, message));
}

function requireHash(reader: SshReader): SshsigHash {
  const hash = reader.text('sha256'.length);
  if (hash === 'sha256' || hash === 'sha512') return hash;
  throw reader.malformed(`hash algorithm '${hash}'`);
}

function readSignature(
  { type }: SshPublicKey,
  blob: Uint8Array,
): Pick<Sshsig, 'signature' | 'securityKey'> {
  const reader = new SshReader('ssh signature', blob);
  reader.expect(type);
  const signature = isEd25519(type) ? reader.string(SIGNATURE_SIZE_BYTES) : readEcdsa(reader);
  if (signature.length !== SIGNATURE_SIZE_BYTES) throw reader.malformed('not of 64 bytes');
  const securityKey = isSecurityKey(type) ? flagsOf(reader.u8(), reader.u32()) : null;
  reader.end();
  return { signature, securityKey };
}

function readEcdsa(outer: SshReader): Uint8Array {
  const reader = new SshReader('ssh signature', outer.string(ECDSA_BLOB_SIZE_BYTES_MAX));
  const [r, s] = [reader.scalar(), reader.scalar()];
  reader.end();
  return concatBytes(r, s);
}

function flagsOf(bits: number, counter: number): SecurityKeyFlags {
  return {
    bits,
    isPresent: (bits & FLAG.present) !== 0,
    isVerified: (bits & FLAG.verified) !== 0,
    counter,
  };
}

function signatureBlob({ publicKey: { type }, signature, securityKey }: Sshsig): Uint8Array {
  const [r, s] = [signature.subarray(0, 32), signature.subarray(32)];
  const core = isEd25519(type) ? signature : concatBytes(sshMpint(r), sshMpint(s));
  const tail =
    securityKey === null
      ? new Uint8Array(0)
      : concatBytes(Uint8Array.of(securityKey.bits), sshU32(securityKey.counter));
  return concatBytes(sshString(type), sshString(core), tail);
}

function malformed(reason: string): ProofError {
  return new ProofError('ssh-malformed', `sshsig: ${reason}`);
}
