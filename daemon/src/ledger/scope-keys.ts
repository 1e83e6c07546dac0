/**
 * Keys of the erasure scopes: 32 random bytes each, wrapped by the token. The wrapped key is
 * durable in the journal before anything is sealed with it; destroying it there is what erases a
 * scope.
 */
import { randomBytes } from 'node:crypto';

import { concatBytes, decodeCbor, encodeCbor, encodeUtf8, isCborArray } from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';
import type { SigningToken } from '../hardware/signing-token.ts';

export interface ScopeKeysOptions {
  readonly ledgerId: Uint8Array;
  readonly token: Pick<SigningToken, 'wrap' | 'unwrap'>;
  readonly deviceTimeoutMs: number;
  /** Durable when the promise resolves. */
  readonly appendRecord: (bytes: Uint8Array) => Promise<void>;
  /** From now on bodies of this scope are sealed and opened with this key. */
  readonly useKey: (scope: string, key: Uint8Array) => Promise<void>;
}

const keySizeBytes = 32;
const version = 1;

export class ScopeKeys {
  readonly #options: ScopeKeysOptions;
  /** Scope → wrapped key, of all scopes of the ledger. */
  readonly #wrapped = new Map<string, Uint8Array>();
  readonly #inUse = new Set<string>();
  /** One at a time: two callers must not make two keys for one scope. */
  #turn: Promise<void> = Promise.resolve();

  /** `records` are those that `appendRecord` was given in earlier runs. */
  constructor(options: ScopeKeysOptions, records: readonly Uint8Array[]) {
    this.#options = options;
    for (const record of records) {
      const { scope, wrapped } = decodeRecord(record);
      this.#wrapped.set(scope, wrapped);
    }
  }

  /** Brings the keys of these scopes into use, making those that are new. @throws DeviceError */
  async use(scopes: readonly string[]): Promise<void> {
    if (scopes.every((scope) => this.#inUse.has(scope))) return;
    const turn = this.#turn.then(async () => {
      for (const scope of scopes) await this.#useOne(scope);
    });
    // The next turn comes after this one, failed or not; the failure is told to whoever asked.
    this.#turn = turn.catch(() => undefined);
    await turn;
  }

  /** Brings the key into use where the scope has one; false where it has none. */
  async useExisting(scope: string): Promise<boolean> {
    if (!this.#wrapped.has(scope)) return false;
    await this.use([scope]);
    return true;
  }

  async #useOne(scope: string): Promise<void> {
    if (this.#inUse.has(scope)) return;
    const { token, useKey, deviceTimeoutMs } = this.#options;
    const wrapped = this.#wrapped.get(scope);
    const key =
      wrapped === undefined
        ? await this.#make(scope)
        : await token.unwrap(wrapped, this.#contextOf(scope), deviceTimeoutMs);
    await useKey(scope, key);
    this.#inUse.add(scope);
  }

  async #make(scope: string): Promise<Uint8Array> {
    const { token, appendRecord, deviceTimeoutMs } = this.#options;
    const key = new Uint8Array(randomBytes(keySizeBytes));
    const wrapped = await token.wrap(key, this.#contextOf(scope), deviceTimeoutMs);
    await appendRecord(encodeCbor([version, scope, wrapped]));
    this.#wrapped.set(scope, wrapped);
    return key;
  }

  /** A wrapped key unwraps for its own ledger and scope only. */
  #contextOf(scope: string): Uint8Array {
    return concatBytes(encodeUtf8('kudurru/scope/1\0'), this.#options.ledgerId, encodeUtf8(scope));
  }
}

function decodeRecord(bytes: Uint8Array): { scope: string; wrapped: Uint8Array } {
  const items = decodeCbor(bytes);
  if (isCborArray(items) && items.length === 3 && items[0] === version) {
    const [, scope, wrapped] = items;
    if (typeof scope === 'string' && wrapped instanceof Uint8Array) {
      return { scope, wrapped: wrapped.slice() };
    }
  }
  throw new KudurruError('ledger-failed', 'scope key record not understood: it is not version 1');
}
