/** CRC-32C (Castagnoli), as the journal's records have it: bytewise, eight tables at a time. */
const POLYNOMIAL = 0x82f63b78; // reflected
const SLICES = 8;

const tables = makeTables();

function makeTables(): readonly Uint32Array[] {
  const made = Array.from({ length: SLICES }, () => new Uint32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ ((value & 1) === 1 ? POLYNOMIAL : 0);
    (made[0] as Uint32Array)[byte] = value;
  }
  for (let slice = 1; slice < SLICES; slice++) {
    for (let byte = 0; byte < 256; byte++) {
      const before = made[slice - 1]?.[byte] ?? 0;
      (made[slice] as Uint32Array)[byte] = (before >>> 8) ^ (made[0]?.[before & 0xff] ?? 0);
    }
  }
  return made;
}

/** The sum of `bytes`, going on from `previous`. */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as unknown as readonly [
    ...(readonly [Uint32Array, Uint32Array, Uint32Array, Uint32Array]),
    ...(readonly [Uint32Array, Uint32Array, Uint32Array, Uint32Array]),
  ];
  const at = (table: Uint32Array, byte: number): number => table[byte] as number;
  let value = ~previous;
  let place = 0;
  for (; place + SLICES <= bytes.length; place += SLICES) {
    const byte = (offset: number): number => bytes[place + offset] as number;
    value =
      at(t7, (value ^ byte(0)) & 0xff) ^
      at(t6, ((value >>> 8) ^ byte(1)) & 0xff) ^
      at(t5, ((value >>> 16) ^ byte(2)) & 0xff) ^
      at(t4, ((value >>> 24) ^ byte(3)) & 0xff) ^
      at(t3, byte(4)) ^
      at(t2, byte(5)) ^
      at(t1, byte(6)) ^
      at(t0, byte(7));
  }
  for (; place < bytes.length; place++) {
    value = (value >>> 8) ^ at(t0, (value ^ (bytes[place] as number)) & 0xff);
  }
  return ~value >>> 0;
}
