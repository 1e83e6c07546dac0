/**
 * The time profile in force, and how operators put another one in force: the daemon gives out an
 * order that holds it, operators sign the order, and the daemon carries it out as a `time.profile`
 * entry (SPEC.md §9.3).
 *
 * Commit order: (1) the order is durable in the state folder before anybody can sign it; (2) the
 * entry is durable; (3) the order is removed. After (2) its nonce is that of the profile in force.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import {
  decodeOperatorOrder,
  decodeProvisioningRecord,
  decodeTimeProfile,
  encodeOperatorOrder,
  equalBytes,
  verifyAuthorisations,
  type Operator,
  type TimeProfile,
} from '@kudurru/proof';

import { KudurruError, wrapError } from '../base/errors.ts';
import type { LeafIndex } from '../base/units.ts';
import { syncFolder, writeDurably } from '../base/write-durably.ts';
import { entryOfKind } from '../ledger/entry-of-kind.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { systemEntry } from '../ledger/system-entry.ts';
import type { Clock } from '../time/clock.ts';
import { orderOfKind, refusedOrder, signedBy } from './signed-order.ts';

export interface TimeProfilesOptions {
  readonly stateFolder: string;
  readonly ledgerId: Uint8Array;
  readonly provisioningRecord: Uint8Array;
  readonly ledger: Pick<Ledger, 'appendOne' | 'lastOfKind' | 'readEntry'>;
  readonly clock: Clock;
  /** Another profile is in force. */
  readonly onUse: (inForce: ProfileInForce) => Promise<void>;
}

export interface ProfileInForce {
  /** Of its `time.profile` entry. */
  readonly index: LeafIndex;
  readonly profile: TimeProfile;
  readonly nonce: Uint8Array;
  /** Who signed the order. */
  readonly operators: readonly string[];
}

export interface DescribedProfile {
  /** What operators sign: `ssh-keygen -Y sign -n kudurru -f KEY FILE`. */
  readonly order: Uint8Array;
  readonly expiryTaiNs: bigint;
  readonly operators: readonly string[];
}

const orderKind = 'time-profile';
const nsPerHour = 3_600_000_000_000n;
const nonceSizeBytes = 32;

export class TimeProfiles {
  readonly #options: TimeProfilesOptions;
  readonly #operators: readonly Operator[];
  readonly #orderFile: string;
  #inForce: ProfileInForce | null = null;

  constructor(options: TimeProfilesOptions) {
    this.#options = options;
    this.#operators = decodeProvisioningRecord(options.provisioningRecord).operators;
    this.#orderFile = join(options.stateFolder, 'time-profile-order');
  }

  /** Null: none was ever ordered. */
  get inForce(): ProfileInForce | null {
    return this.#inForce;
  }

  /** The newest of the log. */
  async restore(): Promise<void> {
    const { ledger } = this.#options;
    const index = await ledger.lastOfKind('time.profile');
    if (index === null) return;
    const { order, authorisations } = entryOfKind(
      await ledger.readEntry(index),
      'time.profile',
      index,
    );
    const report = verifyAuthorisations({ order, authorisations }, this.#operators);
    await this.#use(index, {
      order,
      by: report.authorisations.map(({ operator }) => operator),
    });
  }

  /** The order that would put it in force, ready to be signed; it replaces an earlier one. */
  describe(encoded: Uint8Array, validHours: number): DescribedProfile {
    if (this.#operators.length === 0) {
      throw new KudurruError(
        'operator-unknown',
        'no order: this ledger was founded without operators, so nobody can sign one; found a ' +
          'new ledger with "kudurru provision"',
      );
    }
    profileIn(encoded);
    const { clock, ledgerId } = this.#options;
    const expiryTaiNs = clock.now().taiNs + BigInt(validHours) * nsPerHour;
    const order = encodeOperatorOrder({
      kind: orderKind,
      ledgerId,
      nonce: new Uint8Array(randomBytes(nonceSizeBytes)),
      expiryTaiNs,
      payload: encoded,
    });
    writeDurably(this.#orderFile, order);
    return { order, expiryTaiNs, operators: this.#operators.map(({ name }) => name) };
  }

  /**
   * @throws KudurruError `order-malformed`, `ledger-mismatch`, `order-used`, `nonce-unknown`,
   * `order-expired`, `operator-unknown`, `signature-invalid`
   */
  async activate(what: {
    readonly order: Uint8Array;
    readonly signatures: readonly Uint8Array[];
  }): Promise<ProfileInForce> {
    const { ledgerId, ledger, clock } = this.#options;
    const order = orderOfKind(what.order, orderKind);
    profileIn(order.payload);
    if (!equalBytes(order.ledgerId, ledgerId)) {
      throw refusedOrder('ledger-mismatch', 'it is an order to another ledger');
    }
    const inForce = this.#inForce;
    if (inForce !== null && equalBytes(inForce.nonce, order.nonce)) {
      throw refusedOrder('order-used', `it was carried out already: entry ${inForce.index}`);
    }
    this.#refuseUnknown(what.order);
    if (clock.now().taiNs > order.expiryTaiNs) {
      throw refusedOrder('order-expired', 'it had to be carried out earlier; sign a new one');
    }
    const { authorisations, by } = signedBy(what, this.#operators);
    const entry = systemEntry('time.profile', { order: what.order, authorisations });
    const { index } = await ledger.appendOne(entry);
    rmSync(this.#orderFile);
    syncFolder(this.#options.stateFolder);
    return this.#use(index, { order: what.order, by });
  }

  async #use(
    index: LeafIndex,
    { order, by }: { readonly order: Uint8Array; readonly by: readonly string[] },
  ): Promise<ProfileInForce> {
    const { nonce, payload } = decodeOperatorOrder(order);
    const inForce = { index, profile: profileIn(payload), nonce, operators: by };
    this.#inForce = inForce;
    await this.#options.onUse(inForce);
    return inForce;
  }

  /** Only the order that was given out last is carried out. */
  #refuseUnknown(encoded: Uint8Array): void {
    const file = this.#orderFile;
    if (existsSync(file) && equalBytes(new Uint8Array(readFileSync(file)), encoded)) return;
    throw refusedOrder(
      'nonce-unknown',
      'it is not the one that "kudurru time profile order" gave last on this box',
    );
  }
}

function profileIn(encoded: Uint8Array): TimeProfile {
  try {
    return decodeTimeProfile(encoded);
  } catch (cause) {
    throw wrapError('order-malformed', 'no order: it holds no time profile', cause);
  }
}
