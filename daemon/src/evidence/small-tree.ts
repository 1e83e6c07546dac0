/** An RFC 6962 tree of few leaves, whole in memory: a statement's envelopes, the agents' heads. */
import { inclusionProof, MerkleTree } from '@kudurru/proof';

import { present } from '../base/assert.ts';

export class SmallTree {
  readonly #nodes = new Map<string, Uint8Array>();
  readonly #tree = new MerkleTree((level, index, hash) => {
    this.#nodes.set(`${level}/${index}`, hash);
  });

  constructor(leaves: Iterable<Uint8Array>) {
    for (const leaf of leaves) this.#tree.append(leaf);
  }

  get size(): bigint {
    return this.#tree.size;
  }

  root(): Uint8Array {
    return this.#tree.root();
  }

  path(index: bigint): Uint8Array[] {
    return inclusionProof(index, this.size, (level, at) =>
      present(this.#nodes.get(`${level}/${at}`), 'every complete subtree was seen'),
    );
  }
}
