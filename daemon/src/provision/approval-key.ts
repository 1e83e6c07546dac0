/** The key that approves boots: P-256, its public half as x ‖ y. */
import type { KeyObject } from 'node:crypto';

/** Of a public or private key. */
export function pointOf(key: KeyObject): Uint8Array {
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  return Uint8Array.from(Buffer.concat([x, y].map((part) => Buffer.from(part, 'base64url'))));
}
