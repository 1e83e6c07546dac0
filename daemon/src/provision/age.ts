/**
 * Encryption to people: the age format, version 1 (c2sp.org/age), for X25519 recipients and for
 * ssh-ed25519 keys, armored. Whoever holds one of the keys opens it with the stock tool:
 * `age -d -i ~/.ssh/id_ed25519 FILE`. Nothing here decrypts.
 *
 * A message is one chunk of at most 64 KiB: what is handed over is a page of text.
 */
import {
  createCipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  randomBytes,
} from 'node:crypto';

import { bech32Payload } from './bech32.ts';
import { montgomeryOf } from './montgomery.ts';

/** Who can open a message. */
export type AgeRecipient =
  | { readonly kind: 'X25519'; readonly publicKey: Uint8Array }
  | {
      readonly kind: 'ssh-ed25519';
      /** The key's blob, as its OpenSSH line has it in base64. */
      readonly blob: Uint8Array;
      /** Ed25519, 32 bytes. */
      readonly publicKey: Uint8Array;
    };

const version = 'age-encryption.org/v1';
const fileKeySizeBytes = 16;
const payloadNonceSizeBytes = 16;
const nonceSizeBytes = 12;
const tagSizeBytes = 16;
const scalarSizeBytes = 32;
const tagOfKeySizeBytes = 4;
/** STREAM: plaintext bytes of a chunk. */
const chunkSizeBytesMax = 65_536;
const lineCharacters = 64;

/** A SubjectPublicKeyInfo and a PrivateKeyInfo of X25519 up to the key (RFC 8410). */
const spkiPrefix = Buffer.from('302a300506032b656e032100', 'hex');
const pkcs8Prefix = Buffer.from('302e020100300506032b656e04220420', 'hex');

/** `age1…`. @throws RangeError where it is not an age X25519 recipient */
export function parseAgeRecipient(text: string): AgeRecipient {
  const publicKey = bech32Payload('age', text);
  if (publicKey.length !== scalarSizeBytes) {
    throw new RangeError(`'${text}' is not an age recipient: ${publicKey.length} bytes, not 32`);
  }
  return { kind: 'X25519', publicKey };
}

/**
 * The armored message. @throws RangeError without a recipient, for a plaintext of more than 64 KiB,
 * and for a recipient's key that is no point of use
 */
export function encryptToPeople(
  plaintext: Uint8Array,
  recipients: readonly AgeRecipient[],
): string {
  if (recipients.length === 0) throw new RangeError('message not encrypted: it has no recipient');
  if (plaintext.length === 0 || plaintext.length > chunkSizeBytesMax) {
    throw new RangeError(`message not encrypted: ${plaintext.length} bytes are not one chunk`);
  }
  const fileKey = randomBytes(fileKeySizeBytes);
  const stanzas = recipients.map((recipient) => stanzaFor(recipient, fileKey));
  const header = `${version}\n${stanzas.join('')}---`;
  const mac = createHmac('sha256', hkdf(fileKey, Buffer.alloc(0), 'header')).update(header);
  const nonce = randomBytes(payloadNonceSizeBytes);
  const message = Buffer.concat([
    Buffer.from(`${header} ${unpadded(mac.digest())}\n`),
    nonce,
    // Chunk 0, and the last one.
    seal(hkdf(fileKey, nonce, 'payload'), lastChunkNonce(), plaintext),
  ]);
  return [
    '-----BEGIN AGE ENCRYPTED FILE-----',
    ...linesOf(message.toString('base64')),
    '-----END AGE ENCRYPTED FILE-----',
    '',
  ].join('\n');
}

function stanzaFor(recipient: AgeRecipient, fileKey: Uint8Array): string {
  const label = `${version}/${recipient.kind}`;
  const theirs =
    recipient.kind === 'X25519' ? recipient.publicKey : montgomeryOf(recipient.publicKey);
  const ephemeral = randomBytes(scalarSizeBytes);
  const share = publicOf(ephemeral);
  let secret = x25519(ephemeral, theirs);
  const names = [];
  if (recipient.kind === 'ssh-ed25519') {
    // Ties the secret to the SSH key, of which the curve's point alone says too little.
    secret = x25519(hkdf(Buffer.alloc(0), recipient.blob, label), secret);
    const digest = createHash('sha256').update(recipient.blob).digest();
    names.push(unpadded(digest.subarray(0, tagOfKeySizeBytes)));
  }
  const wrappingKey = hkdf(secret, Buffer.concat([share, theirs]), label);
  const body = seal(wrappingKey, Buffer.alloc(nonceSizeBytes), fileKey);
  const first = ['->', recipient.kind, ...names, unpadded(share)].join(' ');
  // A body that fills its last line would be followed by an empty one; 32 bytes never do.
  return [first, ...linesOf(unpadded(body)), ''].join('\n');
}

/** X25519 (RFC 7748). @throws RangeError where the point has a small order */
function x25519(scalar: Uint8Array, point: Uint8Array): Buffer {
  const publicKey = createPublicKey({
    key: Buffer.concat([spkiPrefix, point]),
    format: 'der',
    type: 'spki',
  });
  try {
    return diffieHellman({ privateKey: privateKeyOf(scalar), publicKey });
  } catch (cause) {
    throw new RangeError("message not encrypted: a recipient's key has a small order", { cause });
  }
}

function publicOf(scalar: Uint8Array): Buffer {
  const der = createPublicKey(privateKeyOf(scalar)).export({ format: 'der', type: 'spki' });
  return der.subarray(spkiPrefix.length);
}

function privateKeyOf(scalar: Uint8Array) {
  return createPrivateKey({
    key: Buffer.concat([pkcs8Prefix, scalar]),
    format: 'der',
    type: 'pkcs8',
  });
}

function hkdf(secret: Uint8Array, salt: Uint8Array, info: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, info, 32));
}

function seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array): Buffer {
  const options = { authTagLength: tagSizeBytes };
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, options);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

function lastChunkNonce(): Buffer {
  const nonce = Buffer.alloc(nonceSizeBytes);
  nonce[nonceSizeBytes - 1] = 1;
  return nonce;
}

function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replaceAll('=', '');
}

function linesOf(text: string): string[] {
  return text.match(new RegExp(`.{1,${lineCharacters}}`, 'gu')) ?? [];
}
