/**
 * A logged-in token: module, slot, and a pool of PKCS#11 sessions. A session holds one operation at
 * a time, so each use takes one from the pool and gives it back.
 *
 * Slot ids change between starts: the token is found by its label, and by its serial where given.
 */
import { preloadModule } from '@kudurru/tpm2-tss';
import pkcs11js from 'pkcs11js';

import { reasonOf } from '../../base/errors.ts';
import type { Deadline } from '../deadline.ts';
import { DeviceError } from '../device-error.ts';
import type { TokenSettings } from '../device-settings.ts';
import { hasCode, isPinRefused, isStale } from './pkcs11-failure.ts';

/** Measured on SoftHSM: four sessions give nearly what eight do; libuv has four threads. */
const poolSize = 4;

export const sessionFlags = pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION;

/** A call that answers so long after its deadline is taken for one that never will. */
export const stuckAfterMs = 5000;

/** What opens the token. */
export interface UserPin {
  readonly value: string;
  /** Where it is kept, for messages: "in '/file'". */
  readonly from: string;
  /** Of the very token that it was made for, where that is known. */
  readonly token?: { readonly tokenSerial: string };
}

export interface TokenInfo {
  readonly label: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly serial: string;
}

export class Pkcs11Sessions {
  readonly module: pkcs11js.PKCS11;
  readonly token: TokenInfo;
  readonly #slot: pkcs11js.Handle;
  readonly #onStuck: () => void;
  readonly #idle: pkcs11js.Handle[];
  readonly #waiting: ((session: pkcs11js.Handle) => void)[] = [];
  readonly #running = new Set<Promise<unknown>>();

  private constructor(
    module: pkcs11js.PKCS11,
    place: {
      readonly slot: pkcs11js.Handle;
      readonly token: TokenInfo;
      readonly onStuck: () => void;
    },
    sessions: pkcs11js.Handle[],
  ) {
    this.module = module;
    this.token = place.token;
    this.#slot = place.slot;
    this.#onStuck = place.onStuck;
    this.#idle = sessions;
  }

  /** @throws DeviceError `device-missing`, `device-mismatch`, `device-wrong-pin` */
  static open(settings: TokenSettings, pin: UserPin, onStuck: () => void): Pkcs11Sessions {
    const module = loadModule(settings.module);
    try {
      const place = findToken(module, { ...settings, ...pin.token });
      const sessions = Array.from({ length: poolSize }, () =>
        module.C_OpenSession(place.slot, sessionFlags),
      );
      const { tokenLabel } = settings;
      logIn(module, { session: sessions[0] ?? place.slot, tokenLabel, pin });
      return new Pkcs11Sessions(module, { ...place, onStuck }, sessions);
    } catch (error) {
      unloadModule(module);
      throw error;
    }
  }

  /**
   * Runs one operation on a session of its own; waits where all are busy. A call of the module
   * cannot be ended from outside: one that is long past its deadline keeps its session and one of
   * the few threads, and `onStuck` is told.
   */
  async use<Value>(
    deadline: Deadline,
    operation: (session: pkcs11js.Handle) => Promise<Value>,
  ): Promise<Value> {
    const session = this.#idle.pop() ?? (await this.#nextIdle());
    const watch = setTimeout(this.#onStuck, deadline.leftMs + stuckAfterMs);
    const running = operation(session);
    this.#running.add(running);
    try {
      const value = await running;
      this.#giveBack(session);
      return value;
    } catch (error) {
      this.#giveBack(this.#replace(session));
      throw error;
    } finally {
      clearTimeout(watch);
      this.#running.delete(running);
    }
  }

  #nextIdle(): Promise<pkcs11js.Handle> {
    const { promise, resolve } = Promise.withResolvers<pkcs11js.Handle>();
    this.#waiting.push(resolve);
    return promise;
  }

  #giveBack(session: pkcs11js.Handle): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(session);
    else next(session);
  }

  /** A failed operation may still be active in its session. The login stays: others are open. */
  #replace(session: pkcs11js.Handle): pkcs11js.Handle {
    try {
      this.module.C_CloseSession(session);
      return this.module.C_OpenSession(this.#slot, sessionFlags);
    } catch (error) {
      // The token is away: the next operation on this session says so, and opens everything again.
      if (isStale(error)) return session;
      throw error;
    }
  }

  /** Waits for what runs: ending the module under a running operation is not allowed (§5.4). */
  async close(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
    unloadModule(this.module);
  }
}

export function loadModule(path: string): pkcs11js.PKCS11 {
  const module = new pkcs11js.PKCS11();
  try {
    // Before pkcs11js opens it the plain way, or it would be bound to node's own OpenSSL.
    preloadModule(path);
    module.load(path);
    module.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK });
    return module;
  } catch (error) {
    throw new DeviceError(
      'device-missing',
      `token not opened: PKCS#11 module '${path}' not loaded: ${reasonOf(error)}; ` +
        "check the setting 'pkcs11Module'",
      { cause: error },
    );
  }
}

export function unloadModule(module: pkcs11js.PKCS11): void {
  try {
    module.C_Finalize();
  } catch (error) {
    if (!hasCode(error, pkcs11js.CKR_CRYPTOKI_NOT_INITIALIZED)) throw error;
  }
  module.close();
}

function findToken(
  module: pkcs11js.PKCS11,
  settings: TokenSettings,
): { readonly slot: pkcs11js.Handle; readonly token: TokenInfo } {
  const { tokenLabel, tokenSerial } = settings;
  const all = module
    .C_GetSlotList(true)
    .map((slot) => ({ slot, token: describeToken(module, slot) }));
  const found = all.filter(
    ({ token }) =>
      token.label === tokenLabel && (tokenSerial === undefined || token.serial === tokenSerial),
  );
  const named = `'${tokenLabel}'${tokenSerial === undefined ? '' : ` and serial '${tokenSerial}'`}`;
  const [only, second] = found;
  if (only === undefined) {
    const labels = all.map(({ token }) => `'${token.label}'`).join(', ') || 'none';
    throw new DeviceError(
      'device-missing',
      `token not opened: none has the label ${named} in '${settings.module}' (there: ${labels})`,
    );
  }
  if (second !== undefined) {
    throw new DeviceError(
      'device-mismatch',
      `token not opened: ${found.length} tokens have the label ${named}; configure the serial too`,
    );
  }
  return only;
}

/** Fixed-width fields come padded with blanks; some modules end them with NUL. */
export function describeToken(module: pkcs11js.PKCS11, slot: pkcs11js.Handle): TokenInfo {
  const info = module.C_GetTokenInfo(slot);
  const text = (field: string): string => field.replace(/[\0 ]+$/u, '');
  return {
    label: text(info.label),
    manufacturer: text(info.manufacturerID),
    model: text(info.model),
    serial: text(info.serialNumber),
  };
}

function logIn(
  module: pkcs11js.PKCS11,
  what: { readonly session: pkcs11js.Handle; readonly tokenLabel: string; readonly pin: UserPin },
): void {
  const { session, tokenLabel, pin } = what;
  try {
    module.C_Login(session, pkcs11js.CKU_USER, pin.value);
  } catch (error) {
    if (hasCode(error, pkcs11js.CKR_USER_ALREADY_LOGGED_IN)) return;
    if (!isPinRefused(error)) throw error;
    throw new DeviceError(
      'device-wrong-pin',
      `login to token '${tokenLabel}' refused: ${reasonOf(error)}; the PIN ${pin.from} ` +
        'is not tried again before the next start',
      { cause: error },
    );
  }
}
