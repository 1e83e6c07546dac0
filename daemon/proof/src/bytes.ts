/**
 * Bytes and their text forms. Every decoder is canonical: what it accepts, the matching encoder
 * gives back unchanged, so a text form cannot be varied without changing the bytes.
 */
import { ProofError } from './proof-error.ts';

// The two text codecs that browsers and Node share; this package is compiled without the types of
// either platform.
interface TextPlatform {
  TextEncoder: new () => { encode(text: string): Uint8Array };
  TextDecoder: new (
    label: 'utf-8',
    options: { fatal: true; ignoreBOM: true },
  ) => { decode(bytes: Uint8Array): string };
}
const platform = globalThis as unknown as TextPlatform;
const utf8Encoder = new platform.TextEncoder();
const utf8Decoder = new platform.TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const HEX_DIGITS = '0123456789abcdef';
const BASE64_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const HEX_PATTERN = /^(?:[0-9a-f]{2})*$/;
const BASE64_PATTERN = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const U64_MAX = 0xffff_ffff_ffff_ffffn;

/** Lower-case hexadecimal of `bytes`. */
export function encodeHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX_DIGITS.charAt(byte >> 4) + HEX_DIGITS.charAt(byte & 15);
  return text;
}

/** Bytes of lower-case hexadecimal `text`. @throws ProofError `bytes-malformed` */
export function decodeHex(text: string): Uint8Array {
  if (!HEX_PATTERN.test(text)) {
    throw new ProofError('bytes-malformed', 'hex: expected pairs of 0-9 a-f');
  }
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** Base64 (RFC 4648 §4) of `bytes`, padded. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const group = (at(bytes, i) << 16) | (at(bytes, i + 1) << 8) | at(bytes, i + 2);
    text += BASE64_DIGITS.charAt(group >> 18) + BASE64_DIGITS.charAt((group >> 12) & 63);
    text += left > 1 ? BASE64_DIGITS.charAt((group >> 6) & 63) : '=';
    text += left > 2 ? BASE64_DIGITS.charAt(group & 63) : '=';
  }
  return text;
}

/**
 * Bytes of base64 `text` (RFC 4648 §4): padded, no white space, unused bits zero.
 * @throws ProofError `bytes-malformed`
 */
export function decodeBase64(text: string): Uint8Array {
  if (text.length % 4 !== 0 || !BASE64_PATTERN.test(text)) {
    throw new ProofError('bytes-malformed', 'base64: expected padded groups of A-Z a-z 0-9 + /');
  }
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  for (let group = 0; group * 4 < text.length; group++) {
    let bits = 0;
    for (const digit of text.slice(group * 4, group * 4 + 4)) {
      bits = (bits << 6) | Math.max(0, BASE64_DIGITS.indexOf(digit)); // '=' counts as zero bits
    }
    bytes.set(
      [bits >> 16, (bits >> 8) & 255, bits & 255].slice(0, bytes.length - group * 3),
      group * 3,
    );
  }
  if (encodeBase64(bytes) !== text) {
    throw new ProofError('bytes-malformed', 'base64: unused trailing bits are not zero');
  }
  return bytes;
}

/** UTF-8 of `text`. @throws ProofError `bytes-malformed` when it holds a lone surrogate */
export function encodeUtf8(text: string): Uint8Array {
  if (!text.isWellFormed()) {
    throw new ProofError('bytes-malformed', 'utf-8: text holds a lone surrogate');
  }
  return utf8Encoder.encode(text);
}

/** Text of UTF-8 `bytes`; a leading U+FEFF is kept. @throws ProofError `bytes-malformed` */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8Decoder.decode(bytes);
  } catch (cause) {
    throw new ProofError('bytes-malformed', 'utf-8: invalid byte sequence', { cause });
  }
}

/** All `parts` in one new array. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Whether `left` and `right` hold the same bytes. Not constant-time: nothing here is secret. */
export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  return compareBytes(left, right) === 0;
}

/** Order of `left` and `right` as byte strings: negative, 0 or positive; a prefix comes first. */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const shared = Math.min(left.length, right.length);
  for (let i = 0; i < shared; i++) {
    const difference = at(left, i) - at(right, i);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** The 8 big-endian bytes of `value`. @throws ProofError `bytes-malformed` outside 0..2^64-1 */
export function encodeU64(value: bigint): Uint8Array {
  if (value < 0n || value > U64_MAX) {
    throw new ProofError('bytes-malformed', `u64: ${value} is outside 0..2^64-1`);
  }
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value);
  return bytes;
}

/** The unsigned number of exactly 8 big-endian `bytes`. @throws ProofError `bytes-malformed` */
export function decodeU64(bytes: Uint8Array): bigint {
  if (bytes.length !== 8) {
    throw new ProofError('bytes-malformed', `u64: expected 8 bytes, found ${bytes.length}`);
  }
  return viewOf(bytes).getBigUint64(0);
}

/** A big-endian reader over `bytes`, whatever buffer they are a part of. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function at(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}
