/** From an Ed25519 public key to the X25519 one of the same secret (RFC 7748 §4.1). */

const prime = 2n ** 255n - 19n;

/** u = (1 + y) / (1 − y), little-endian. @throws RangeError where y is 1 or not below the prime */
export function montgomeryOf(ed25519PublicKey: Uint8Array): Uint8Array {
  const encoded = BigInt(`0x${Buffer.from(ed25519PublicKey).reverse().toString('hex')}`);
  const y = encoded & (2n ** 255n - 1n);
  if (ed25519PublicKey.length !== 32 || y >= prime || y === 1n) {
    throw new RangeError('an Ed25519 key that has no point to encrypt to');
  }
  const u = ((1n + y) * inverse(prime + 1n - y)) % prime;
  return Uint8Array.from(Buffer.from(u.toString(16).padStart(64, '0'), 'hex').reverse());
}

/** By Fermat: value^(prime − 2). The value is public, so the time it takes may be seen. */
function inverse(value: bigint): bigint {
  let [result, power, exponent] = [1n, value % prime, prime - 2n];
  while (exponent > 0n) {
    if ((exponent & 1n) === 1n) result = (result * power) % prime;
    power = (power * power) % prime;
    exponent >>= 1n;
  }
  return result;
}
