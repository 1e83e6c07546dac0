/**
 * Opens age messages, written from the format's text (c2sp.org/age) and from nothing of ours: what
 * the stock tool does with an X25519 identity or an ssh-ed25519 private key.
 */
import assert from 'node:assert/strict';
import {
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';

export type AgeIdentity =
  | { readonly kind: 'X25519'; readonly secret: Uint8Array }
  /** `seed`: the private key's 32 bytes; `blob`: the public key as SSH encodes it. */
  | { readonly kind: 'ssh-ed25519'; readonly seed: Uint8Array; readonly blob: Uint8Array };

interface Stanza {
  readonly words: readonly string[];
  readonly body: Buffer;
}

const label = 'age-encryption.org/v1';

export function openAge(armored: string, identity: AgeIdentity): Buffer {
  const lines = armored.split('\n');
  assert.equal(lines.shift(), '-----BEGIN AGE ENCRYPTED FILE-----');
  assert.equal(lines.pop(), '');
  assert.equal(lines.pop(), '-----END AGE ENCRYPTED FILE-----');
  assert.ok(lines.slice(0, -1).every(({ length }) => length === 64));
  const file = Buffer.from(lines.join(''), 'base64');
  const end = file.indexOf('\n--- ') + 4;
  const macEnd = file.indexOf('\n', end);
  const header = file.subarray(0, end);
  const fileKey = keyOf(stanzasOf(header.toString('latin1')), identity);
  const mac = createHmac('sha256', hkdf(fileKey, Buffer.alloc(0), 'header')).update(header);
  assert.equal(file.toString('latin1', end + 1, macEnd), bare(mac.digest()));
  const payload = file.subarray(macEnd + 1);
  const key = hkdf(fileKey, payload.subarray(0, 16), 'payload');
  return open(key, Buffer.from('000000000000000000000001', 'hex'), payload.subarray(16));
}

function stanzasOf(header: string): Stanza[] {
  const lines = header.split('\n');
  assert.equal(lines.shift(), label);
  assert.equal(lines.pop(), '---');
  const stanzas: Stanza[] = [];
  while (lines.length > 0) {
    const [arrow, ...words] = (lines.shift() ?? '').split(' ');
    assert.equal(arrow, '->');
    let body = '';
    let line = '';
    do body += line = lines.shift() ?? '';
    while (line.length === 64);
    stanzas.push({ words, body: Buffer.from(body, 'base64') });
  }
  return stanzas;
}

function keyOf(stanzas: readonly Stanza[], identity: AgeIdentity): Buffer {
  for (const { words, body } of stanzas) {
    if (words[0] !== identity.kind) continue;
    const share = Buffer.from(words.at(-1) ?? '', 'base64');
    const info = `${label}/${identity.kind}`;
    if (identity.kind === 'X25519') {
      const own = publicOf(identity.secret);
      const secret = hkdf(x25519(identity.secret, share), Buffer.concat([share, own]), info);
      const key = tryOpen(secret, body);
      if (key !== null) return key;
      continue;
    }
    const tag = createHash('sha256').update(identity.blob).digest().subarray(0, 4);
    if (words[1] !== bare(tag)) continue;
    const scalar = createHash('sha512').update(identity.seed).digest().subarray(0, 32);
    const own = publicOf(scalar);
    const shared = x25519(scalar, share);
    const tweaked = x25519(hkdf(Buffer.alloc(0), identity.blob, info), shared);
    return open(hkdf(tweaked, Buffer.concat([share, own]), info), Buffer.alloc(12), body);
  }
  throw new Error('no stanza is for this identity');
}

function tryOpen(key: Buffer, body: Buffer): Buffer | null {
  try {
    return open(key, Buffer.alloc(12), body);
  } catch {
    return null;
  }
}

function open(key: Buffer, nonce: Buffer, sealed: Buffer): Buffer {
  const decipher = createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
  decipher.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
}

function hkdf(secret: Uint8Array, salt: Uint8Array, info: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, info, 32));
}

function privateOf(secret: Uint8Array): KeyObject {
  const prefix = Buffer.from('302e020100300506032b656e04220420', 'hex');
  return createPrivateKey({ key: Buffer.concat([prefix, secret]), format: 'der', type: 'pkcs8' });
}

function publicOf(secret: Uint8Array): Buffer {
  const der = createPublicKey(privateOf(secret)).export({ format: 'der', type: 'spki' });
  return der.subarray(-32);
}

function x25519(secret: Uint8Array, point: Uint8Array): Buffer {
  const prefix = Buffer.from('302a300506032b656e032100', 'hex');
  const key = Buffer.concat([prefix, point]);
  const publicKey = createPublicKey({ key, format: 'der', type: 'spki' });
  return diffieHellman({ privateKey: privateOf(secret), publicKey });
}

function bare(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}

/** What an unencrypted OpenSSH private key file of ssh-ed25519 holds. */
export function sshIdentity(privateKeyFile: string): AgeIdentity {
  const text = privateKeyFile.replaceAll(/-----[^-]+-----/gu, '');
  const fields = sshStrings(Buffer.from(text, 'base64').subarray('openssh-key-v1\0'.length), 3);
  const rest = fields.rest.subarray(4);
  const blob = lengthed(rest);
  const secrets = lengthed(rest.subarray(4 + blob.length));
  // Two check words, then type, public key and private key (seed ‖ public key).
  const [, , pair = Buffer.alloc(0)] = sshStrings(secrets.subarray(8), 3).taken;
  return { kind: 'ssh-ed25519', seed: pair.subarray(0, 32), blob };
}

function sshStrings(bytes: Buffer, count: number): { taken: Buffer[]; rest: Buffer } {
  const taken: Buffer[] = [];
  let rest = bytes;
  for (let at = 0; at < count; at += 1) {
    const one = lengthed(rest);
    taken.push(one);
    rest = rest.subarray(4 + one.length);
  }
  return { taken, rest };
}

function lengthed(bytes: Buffer): Buffer {
  return bytes.subarray(4, 4 + bytes.readUInt32BE(0));
}
