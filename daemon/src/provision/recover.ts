/**
 * Goes on where TPM and journal contradict each other, by an order that operators sign: offline,
 * with the daemon stopped. The order says what the TPM shows and what the log leads to; carried
 * out, it is a `restore` entry, from which the replay of counter, extend index and PCR goes on.
 * Nothing is repaired or hidden: the entry stays in the log, and every verdict that needs it says
 * so.
 *
 * Commit order: (1) the order is durable in the state folder before anybody can sign it; (2) the
 * restore entry is durable; (3) the order is removed. After (2) its nonce is used, and the log is
 * another than the order is of.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { readClock } from '@kudurru/native';
import {
  decodeOperatorOrder,
  decodeProvisioningRecord,
  decodeRestoration,
  encodeOperatorOrder,
  encodeRestoration,
  equalBytes,
  ZERO_HASH,
  type Operator,
  type OperatorOrder,
  type Restoration,
} from '@kudurru/proof';

import { AnchorContradiction, type Contradiction } from '../anchor/contradiction.ts';
import { checkStart, type LoggedTpm } from '../anchor/start-rule.ts';
import { KudurruError, wrapError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { syncFolder, writeDurably } from '../base/write-durably.ts';
import { beginLedger } from '../compose/begin-ledger.ts';
import { Devices } from '../compose/devices.ts';
import { reopen, type FoundedLedger } from '../compose/founding.ts';
import { readLogged } from '../compose/logged-tpm.ts';
import { orderOfKind, refusedOrder, signedBy } from '../compose/signed-order.ts';
import type { Configuration } from '../config/load.ts';
import { prepareStateFolder } from '../config/state-folder.ts';
import type { Registers } from '../hardware/anchor-registers.ts';
import { entryOfKind } from '../ledger/entry-of-kind.ts';
import type { LedgerStore } from '../ledger/store.ts';
import { systemEntry } from '../ledger/system-entry.ts';
import { Clock } from '../time/clock.ts';

export interface RecoverOptions {
  readonly configuration: Configuration;
  readonly log: Log;
}

export interface DescribedRecovery {
  /** What operators sign: `ssh-keygen -Y sign -n kudurru -f KEY FILE`. */
  readonly order: Uint8Array;
  readonly restoration: Restoration;
  readonly contradictions: readonly Contradiction[];
  readonly expiryTaiNs: bigint;
  readonly operators: readonly string[];
}

export interface Recovered {
  /** Of the restore entry. */
  readonly index: bigint;
  readonly operators: readonly string[];
  readonly restoration: Restoration;
}

interface Stopped {
  readonly store: LedgerStore;
  readonly founded: FoundedLedger;
  readonly operators: readonly Operator[];
  readonly registers: Registers;
  readonly logged: LoggedTpm;
}

const nsPerHour = 3_600_000_000_000n;
const nonceSizeBytes = 32;

/** The order that would let this ledger go on, ready to be signed; it replaces an earlier one. */
export async function describeRecovery(
  { validHours }: { readonly validHours: number },
  options: RecoverOptions,
): Promise<DescribedRecovery> {
  return whileStopped(options, async (stopped) => {
    const { founded, operators } = stopped;
    const contradictions = requireContradiction(stopped);
    const restoration = restorationOf(stopped);
    const clock = clockOf(stopped, options);
    const expiryTaiNs = clock.now().taiNs + BigInt(validHours) * nsPerHour;
    const order = encodeOperatorOrder({
      kind: 'restore',
      ledgerId: founded.ledgerId,
      nonce: new Uint8Array(randomBytes(nonceSizeBytes)),
      expiryTaiNs,
      payload: encodeRestoration(restoration),
    });
    writeDurably(orderFile(options), order);
    const names = operators.map(({ name }) => name);
    return { order, restoration, contradictions, expiryTaiNs, operators: names };
  });
}

/**
 * Carries out an order that operators have signed; `signatures` are what ssh-keygen wrote.
 * @throws KudurruError `order-malformed`, `ledger-mismatch`, `order-used`, `nonce-unknown`,
 * `order-expired`, `operator-unknown`, `signature-invalid`, `order-outdated`, and those of
 * `describeRecovery`
 */
export async function recover(
  what: { readonly order: Uint8Array; readonly signatures: readonly Uint8Array[] },
  options: RecoverOptions,
): Promise<Recovered> {
  const order = orderOfKind(what.order, 'restore');
  const restoration = restorationIn(order);
  return whileStopped(options, async (stopped) => {
    const { store, founded } = stopped;
    if (!equalBytes(order.ledgerId, founded.ledgerId)) {
      throw refusedOrder('ledger-mismatch', 'it is an order to another ledger');
    }
    await refuseUsed(store, order);
    refuseUnknown(what.order, options);
    const instant = clockOf(stopped, options).now();
    if (instant.taiNs > order.expiryTaiNs) {
      throw refusedOrder(
        'order-expired',
        'it had to be carried out earlier; describe and sign anew',
      );
    }
    const { authorisations, by } = signedBy(what, stopped.operators);
    requireContradiction(stopped);
    requireAsDescribed(what.order, order, stopped);
    const entry = systemEntry('restore', { order: what.order, authorisations });
    const [outcome] = await store.apply(null, {
      taiMinusUtcSeconds: new Clock({ read: readClock }).taiMinusUtcSeconds(),
      system: [{ ...entry, ...instant }],
    });
    if (outcome === undefined) throw new KudurruError('ledger-failed', 'no place for the entry');
    if ('refusal' in outcome) throw outcome.refusal;
    rmSync(orderFile(options));
    syncFolder(options.configuration.state);
    return { index: outcome.index, operators: by, restoration };
  });
}

/** With the ledger and the devices open, and nothing of either changed by opening them. */
async function whileStopped<Value>(
  options: RecoverOptions,
  work: (stopped: Stopped) => Promise<Value>,
): Promise<Value> {
  const { configuration, log } = options;
  prepareStateFolder(configuration.state);
  const { store, unfinished } = await beginLedger({ configuration, makeRecord: noLedger, log });
  const devices = new Devices(configuration, log);
  const sizeBefore = store.head().size;
  try {
    if (unfinished !== null) noLedger();
    const founded = await reopen({ configuration, devices, log }, store);
    const { operators } = decodeProvisioningRecord(founded.provisioningRecord);
    if (operators.length === 0) {
      throw new KudurruError(
        'operator-unknown',
        'no recovery: this ledger was founded without operators, so nobody can order one; ' +
          'found a new ledger with "kudurru provision", and keep this one to be read',
      );
    }
    const { deviceTimeoutMs } = configuration.settings;
    const registers = await devices.attestation.readRegisters(deviceTimeoutMs);
    const { logged } = await readLogged(store, founded);
    return await work({ store, founded, operators, registers, logged });
  } finally {
    await devices.close();
    // A run that ended in order has still ended in order behind the restore entry.
    const isChanged = store.head().size > sizeBefore;
    if (isChanged && store.stoppedCleanly) await store.stop();
    else await store.leave();
  }
}

function noLedger(): never {
  throw new KudurruError('nothing-to-recover', 'no recovery: the state folder has no ledger yet');
}

/** @throws KudurruError `nothing-to-recover` */
function requireContradiction({ registers, logged }: Stopped): readonly Contradiction[] {
  try {
    checkStart(registers, logged);
  } catch (error) {
    if (error instanceof AnchorContradiction) return error.contradictions;
    throw error;
  }
  throw new KudurruError(
    'nothing-to-recover',
    'no recovery: TPM and journal agree, and the daemon starts as it is',
  );
}

function restorationOf({ store, registers, logged }: Stopped): Restoration {
  const { size, root } = store.head();
  const { clock, counter, extend, pcr } = registers;
  const { lastAnchor, counterBase } = logged;
  return {
    version: 1,
    size,
    root,
    previousAnchorIndex: lastAnchor?.index ?? null,
    previousAnchorLeafHash: lastAnchor?.leafHash ?? ZERO_HASH,
    nextAnchorSequence: lastAnchor === null ? 0n : lastAnchor.anchorSequence + 1n,
    anchoredSize: lastAnchor?.size ?? 0n,
    logged: { counter: lastAnchor?.counterExpected ?? counterBase, extend: logged.extend },
    found: {
      counter,
      extend,
      pcr,
      resetCount: clock.resetCount,
      restartCount: clock.restartCount,
      clockMs: clock.clockMs,
    },
  };
}

/** The same but for the TPM's uptime, which goes on. */
function requireAsDescribed(encoded: Uint8Array, order: OperatorOrder, stopped: Stopped): void {
  const described = restorationIn(order);
  const now = restorationOf(stopped);
  const { clockMs } = described.found;
  const found = { ...now.found, clockMs };
  const payload = encodeRestoration({ ...now, found });
  const isSame = equalBytes(encodeOperatorOrder({ ...order, payload }), encoded);
  if (isSame && now.found.clockMs >= clockMs) return;
  throw refusedOrder(
    'order-outdated',
    'TPM or journal are no longer as the order describes them; describe and sign anew',
  );
}

function restorationIn(order: OperatorOrder): Restoration {
  try {
    return decodeRestoration(order.payload);
  } catch (cause) {
    throw wrapError('order-malformed', 'order not carried out: its payload is malformed', cause);
  }
}

async function refuseUsed(store: LedgerStore, { nonce }: OperatorOrder): Promise<void> {
  const index = await store.lastOfKind('restore');
  if (index === null) return;
  const last = entryOfKind(await store.readEntry(index), 'restore', index);
  if (!equalBytes(decodeOperatorOrder(last.order).nonce, nonce)) return;
  throw refusedOrder('order-used', `it was carried out already: entry ${index}`);
}

/** Only the order that was described last is carried out. */
function refuseUnknown(encoded: Uint8Array, options: RecoverOptions): void {
  const file = orderFile(options);
  if (existsSync(file) && equalBytes(new Uint8Array(readFileSync(file)), encoded)) return;
  throw refusedOrder(
    'nonce-unknown',
    'it is not the one that "kudurru recover --describe" gave last on this box',
  );
}

function clockOf({ store }: Stopped, { configuration }: RecoverOptions): Clock {
  const clock = new Clock({ read: readClock });
  clock.continueFrom(store.lastTime().taiNs, configuration.settings.clockBehindMaxMs);
  return clock;
}

function orderFile({ configuration }: RecoverOptions): string {
  return join(configuration.state, 'recovery-order');
}
