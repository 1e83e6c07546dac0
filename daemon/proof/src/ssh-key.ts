/**
 * Public keys of OpenSSH, of the four types that operators sign with: Ed25519 and ECDSA on P-256,
 * in software or in a FIDO2 authenticator (`sk-`). A line is `type base64 [comment]`, the blob in
 * the one encoding that OpenSSH gives it.
 */
import { concatBytes, decodeBase64, encodeBase64 } from './bytes.ts';
import { P256_POINT_SIZE_BYTES } from './es256.ts';
import { ED25519_PUBLIC_KEY_SIZE_BYTES } from './ed25519.ts';
import { ProofError } from './proof-error.ts';
import type { PublicKey } from './public-key.ts';
import { requirePublicKey } from './public-key.ts';
import { sha256 } from './sha256.ts';
import { SshReader, sshString } from './ssh-wire.ts';

export const SSH_KEY_TYPES = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
] as const;
export type SshKeyType = (typeof SSH_KEY_TYPES)[number];

const CURVE = 'nistp256';
const TYPE_SIZE_BYTES_MAX = 64;
/** A relying party's id, `ssh:` unless the person chose another one. */
const APPLICATION_SIZE_BYTES_MAX = 256;
/** The longest of the four kinds with the longest application. */
export const SSH_KEY_SIZE_BYTES_MAX = 512;
const LINE_CHARACTERS_MAX = 1024;
// A blob has no other characters; a comment is anything that can be seen on one line.
const LINE = /^([a-z0-9@.-]+) ([A-Za-z0-9+/=]+)(?: ([^\u0000-\u001f\u007f]+))?$/;

export interface SshPublicKey {
  readonly type: SshKeyType;
  readonly key: PublicKey;
  /** The relying party of a FIDO2 key; null for a key in software. */
  readonly application: string | null;
}

/** The key of an OpenSSH public key line. @throws ProofError `ssh-malformed`, `key-malformed` */
export function parseSshPublicKeyLine(line: string): SshPublicKey {
  if (line.length > LINE_CHARACTERS_MAX) throw malformed('the line is too long');
  const [, type = '', encoded = ''] = LINE.exec(line) ?? [];
  if (type === '') throw malformed("a line reads 'type base64 comment'");
  const key = parseSshPublicKey(blobOf(encoded));
  if (key.type !== type) throw malformed(`the line says '${type}', the key is ${key.type}`);
  return key;
}

/** The line of `key`, without a comment. @throws ProofError `key-malformed` */
export function formatSshPublicKeyLine(key: SshPublicKey): string {
  return `${key.type} ${encodeBase64(encodeSshPublicKey(key))}`;
}

/** The blob of a key. @throws ProofError `ssh-malformed`, `key-malformed` */
export function parseSshPublicKey(blob: Uint8Array): SshPublicKey {
  const reader = new SshReader('ssh public key', blob);
  const type = requireSshKeyType(reader.text(TYPE_SIZE_BYTES_MAX));
  const key = isEd25519(type) ? readEd25519(reader) : readP256(reader);
  requirePublicKey(key);
  const application = isSecurityKey(type) ? reader.text(APPLICATION_SIZE_BYTES_MAX) : null;
  reader.end();
  return { type, key, application };
}

/** @throws ProofError `key-malformed` */
export function encodeSshPublicKey({ type, key, application }: SshPublicKey): Uint8Array {
  requirePublicKey(key);
  const isOne = isEd25519(type) === (key.algorithm === 'Ed25519');
  if (!isOne || isSecurityKey(type) !== (application !== null)) {
    throw new ProofError('key-malformed', `ssh public key: not a key of type ${type}`);
  }
  const curve = isEd25519(type) ? new Uint8Array(0) : sshString(CURVE);
  const tail = application === null ? new Uint8Array(0) : sshString(application);
  return concatBytes(sshString(type), curve, sshString(key.bytes), tail);
}

/** `SHA256:…`, as `ssh-keygen -l` shows it. @throws ProofError `key-malformed` */
export function sshFingerprint(key: SshPublicKey): string {
  const digest = encodeBase64(sha256(encodeSshPublicKey(key)));
  return `SHA256:${digest.replaceAll('=', '')}`;
}

/** One of the four types. @throws ProofError `ssh-malformed` */
export function requireSshKeyType(name: string): SshKeyType {
  const type = SSH_KEY_TYPES.find((known) => known === name);
  if (type !== undefined) return type;
  throw malformed(`type '${name}' is not one of ${SSH_KEY_TYPES.join(', ')}`);
}

export function isEd25519(type: SshKeyType): boolean {
  return type === 'ssh-ed25519' || type === 'sk-ssh-ed25519@openssh.com';
}

/** Whether the private key is in a FIDO2 authenticator. */
export function isSecurityKey(type: SshKeyType): boolean {
  return type.startsWith('sk-');
}

function readEd25519(reader: SshReader): PublicKey {
  return { algorithm: 'Ed25519', bytes: reader.string(ED25519_PUBLIC_KEY_SIZE_BYTES) };
}

function readP256(reader: SshReader): PublicKey {
  reader.expect(CURVE);
  return { algorithm: 'ESP256', bytes: reader.string(P256_POINT_SIZE_BYTES) };
}

function blobOf(encoded: string): Uint8Array {
  try {
    return decodeBase64(encoded);
  } catch (cause) {
    throw new ProofError('ssh-malformed', 'ssh public key: bad base64', { cause });
  }
}

function malformed(reason: string): ProofError {
  return new ProofError('ssh-malformed', `ssh public key: ${reason}`);
}
