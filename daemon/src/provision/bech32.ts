/** Reading Bech32 (BIP 173, without its limit of 90 characters), as age writes recipients. */

const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3] as const;
const checksumCharacters = 6;
const charactersMax = 512;

/**
 * The bytes of a text with the human-readable part `prefix`.
 * @throws RangeError where it is of another part or not whole
 */
export function bech32Payload(prefix: string, text: string): Uint8Array {
  const isOneCase = text === text.toLowerCase() || text === text.toUpperCase();
  const lower = text.toLowerCase();
  const data = lower.slice(prefix.length + 1);
  const values = Array.from(data, (character) => alphabet.indexOf(character));
  if (
    text.length > charactersMax ||
    !isOneCase ||
    !lower.startsWith(`${prefix}1`) ||
    values.length < checksumCharacters ||
    values.includes(-1) ||
    checksum([...expanded(prefix), ...values]) !== 1
  ) {
    throw new RangeError(`'${text}' is not a whole text that begins with '${prefix}1'`);
  }
  return octetsOf(values.slice(0, -checksumCharacters));
}

function expanded(prefix: string): number[] {
  const codes = Array.from(prefix, (character) => character.charCodeAt(0));
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
}

function checksum(values: readonly number[]): number {
  return values.reduce((sum, value) => {
    const top = sum >>> 25;
    return generator.reduce(
      (next, part, bit) => (((top >>> bit) & 1) === 1 ? next ^ part : next),
      ((sum & 0x1ffffff) << 5) ^ value,
    );
  }, 1);
}

/** Groups of five bits as octets; what is left over is zeros, fewer than five. */
function octetsOf(values: readonly number[]): Uint8Array {
  const octets: number[] = [];
  let [held, bits] = [0, 0];
  for (const value of values) {
    held = ((held << 5) | value) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    octets.push((held >> bits) & 0xff);
  }
  if (bits < 5 && (held & ((1 << bits) - 1)) === 0) return Uint8Array.from(octets);
  throw new RangeError('a text in Bech32 ends in the middle of an octet');
}
