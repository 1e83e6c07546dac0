/** Published test vectors, which live beside the checkout and are never part of it. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'mocha';

const PUBLISHED = new URL('../../../../shared/vectors/', import.meta.url);

export interface SignatureVectors {
  readonly testGroups: readonly {
    readonly publicKey: { readonly pk?: string; readonly uncompressed?: string };
    readonly tests: readonly {
      readonly tcId: number;
      readonly comment: string;
      readonly msg: string;
      readonly sig: string;
      readonly result: 'valid' | 'invalid' | 'acceptable';
    }[];
  }[];
}

/** Suite over the published vectors at `name`; without them pending, with the reason as title. */
export function describePublished(
  title: string,
  name: string,
  suite: (path: string) => void,
): void {
  const path = fileURLToPath(new URL(name, PUBLISHED));
  describe(title, () => {
    if (existsSync(path)) suite(path);
    else it(`published vectors are not at ../shared/vectors/${name}`);
  });
}

export function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}
