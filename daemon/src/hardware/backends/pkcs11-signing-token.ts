/**
 * SigningToken over pkcs11js. The token is opened on first use, and again after a session, the
 * login or the token was lost: signing and wrapping change nothing, so one repetition is safe. A
 * refused PIN is remembered and never sent again: tokens lock after a few wrong ones.
 */
import { randomBytes } from 'node:crypto';

import pkcs11js from 'pkcs11js';

import { KudurruError } from '../../base/errors.ts';
import { Deadline } from '../deadline.ts';
import type { SigningTokenDescription } from '../device-description.ts';
import { DeviceError } from '../device-error.ts';
import type { TokenSettings } from '../device-settings.ts';
import type { DeviceProvisioning } from '../provisioning.ts';
import type { SigningToken } from '../signing-token.ts';
import { tokenLabel } from './known-emulators.ts';
import { isWorthReopening, tokenErrorFrom } from './pkcs11-failure.ts';
import { initialiseToken } from './pkcs11-initialise.ts';
import { type TokenKeys, findTokenKeys, makeTokenKeys } from './pkcs11-keys.ts';
import { Pkcs11Sessions } from './pkcs11-sessions.ts';
import type { TokenPinKeeper } from './token-pin-keeper.ts';

/** PKCS#11 v3.0 §2.3.14; pkcs11js has no name for it. */
const mechanismEddsa = 0x1057;

/** Wrapped key: format, nonce, ciphertext, tag. AES-256-GCM (NIST SP 800-38D), 96-bit nonce. */
const wrapFormat = 1;
const nonceSizeBytes = 12;
const tagSizeBytes = 16;
const keySizeBytesMin = 16;
const keySizeBytesMax = 64;

type PinSource = Pick<TokenPinKeeper, 'userPin' | 'unfinishedPins' | 'finish'>;

interface OpenToken {
  readonly sessions: Pkcs11Sessions;
  readonly keys: TokenKeys;
}

export class Pkcs11SigningToken implements SigningToken, DeviceProvisioning {
  readonly #settings: TokenSettings;
  readonly #pin: PinSource;
  readonly #onStuck: () => void;
  #open: Promise<OpenToken> | undefined;
  /** The end of the last opening: a process has one module, and that has one owner at a time. */
  #closed: Promise<void> = Promise.resolve();
  #refusedPin: DeviceError | undefined;

  /** `onStuck`: a call of the module does not return; what it holds is lost to this process. */
  constructor(settings: TokenSettings, pin: PinSource, onStuck: () => void) {
    this.#settings = settings;
    this.#pin = pin;
    this.#onStuck = onStuck;
  }

  async provision(ledgerId: Uint8Array, timeoutMs: number): Promise<void> {
    const deadline = new Deadline(timeoutMs, 'provisioning of the token');
    await this.#release();
    await this.#initialise(deadline);
    this.#open = this.#load(deadline, async (sessions) =>
      makeTokenKeys(sessions, ledgerId, deadline),
    );
    await this.#use('provisioning of the token', deadline, async ({ keys }) => {
      if (Buffer.compare(keys.ledgerId, ledgerId) === 0) return;
      throw new DeviceError('device-holds-another-ledger', 'the token changed while it was in use');
    });
  }

  async describe(timeoutMs: number): Promise<SigningTokenDescription> {
    const deadline = new Deadline(timeoutMs, 'description of the token');
    return this.#use('description of the token', deadline, async ({ sessions, keys }) => {
      const { label, manufacturer, model, serial } = sessions.token;
      return {
        label: tokenLabel(this.#settings.label, manufacturer),
        tokenLabel: label,
        manufacturer,
        model,
        serial,
        ledgerId: keys.ledgerId,
        logPublicKey: keys.logPublicKey,
      };
    });
  }

  async sign(message: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const deadline = new Deadline(timeoutMs, 'signature of the log');
    if (message.length === 0) {
      throw new KudurruError('value-out-of-range', 'message not signed: it is empty');
    }
    return this.#use('signature of the log', deadline, ({ sessions, keys }) =>
      sessions.use(deadline, async (session) => {
        sessions.module.C_SignInit(session, { mechanism: mechanismEddsa }, keys.logKey);
        const signature = await sessions.module.C_SignAsync(
          session,
          Buffer.from(message),
          Buffer.alloc(64),
        );
        return Uint8Array.from(signature);
      }),
    );
  }

  async wrap(key: Uint8Array, context: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const deadline = new Deadline(timeoutMs, 'wrapping of a key');
    if (key.length < keySizeBytesMin || key.length > keySizeBytesMax) {
      throw new KudurruError(
        'value-out-of-range',
        `key not wrapped: ${key.length} bytes are not ${keySizeBytesMin} to ${keySizeBytesMax}`,
      );
    }
    return this.#use('wrapping of a key', deadline, ({ sessions, keys }) =>
      sessions.use(deadline, async (session) => {
        const nonce = randomBytes(nonceSizeBytes);
        sessions.module.C_EncryptInit(session, gcm(nonce, context), keys.wrappingKey);
        const sealed = await sessions.module.C_EncryptAsync(
          session,
          Buffer.from(key),
          Buffer.alloc(key.length + tagSizeBytes),
        );
        return Uint8Array.from(Buffer.concat([Buffer.of(wrapFormat), nonce, sealed]));
      }),
    );
  }

  async unwrap(wrapped: Uint8Array, context: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const deadline = new Deadline(timeoutMs, 'unwrapping of a key');
    const sealed = Buffer.from(wrapped.subarray(1 + nonceSizeBytes));
    const keySizeBytes = sealed.length - tagSizeBytes;
    if (wrapped[0] !== wrapFormat || keySizeBytes < keySizeBytesMin) {
      throw new DeviceError('device-refused', 'key not unwrapped: it is not of the wrapped form');
    }
    return this.#use('unwrapping of a key', deadline, ({ sessions, keys }) =>
      sessions.use(deadline, async (session) => {
        const nonce = Buffer.from(wrapped.subarray(1, 1 + nonceSizeBytes));
        sessions.module.C_DecryptInit(session, gcm(nonce, context), keys.wrappingKey);
        const key = await sessions.module.C_DecryptAsync(
          session,
          sealed,
          // Some modules ask for room for the tag as well.
          Buffer.alloc(sealed.length),
        );
        return Uint8Array.from(key);
      }),
    );
  }

  /** Ends the PKCS#11 sessions and the module. */
  async close(): Promise<void> {
    await this.#release();
  }

  async #use<Value>(
    what: string,
    deadline: Deadline,
    operation: (open: OpenToken) => Promise<Value>,
  ): Promise<Value> {
    for (let attempt = 0; ; attempt += 1) {
      if (this.#refusedPin !== undefined) throw this.#refusedPin;
      const opening = (this.#open ??= this.#load(deadline));
      try {
        return await within(deadline, what, opening.then(operation));
      } catch (error) {
        if (error instanceof DeviceError && error.code === 'device-wrong-pin') {
          this.#refusedPin = error;
        }
        const again = attempt === 0 && isWorthReopening(error);
        if (again) await within(deadline, what, this.#release(opening));
        if (!again) throw tokenErrorFrom(what, error);
      }
    }
  }

  /** With `which`, only where it is still that: another call may be ahead. */
  async #release(which = this.#open): Promise<void> {
    if (which === undefined || which !== this.#open) return;
    this.#open = undefined;
    this.#closed = closeAll(which);
    await this.#closed;
  }

  /** Where its PINs are sealed and the token does not have them yet, or not both. */
  async #initialise(deadline: Deadline): Promise<void> {
    const what = 'initialisation of the token';
    try {
      const pins = await this.#pin.unfinishedPins(deadline);
      if (pins !== null) this.#pin.finish(initialiseToken(this.#settings, pins));
    } catch (error) {
      throw tokenErrorFrom(what, error);
    }
  }

  async #load(
    deadline: Deadline,
    prepare?: (sessions: Pkcs11Sessions) => Promise<void>,
  ): Promise<OpenToken> {
    await this.#closed;
    let sessions: Pkcs11Sessions | undefined;
    try {
      sessions = Pkcs11Sessions.open(
        this.#settings,
        await this.#pin.userPin(deadline),
        this.#onStuck,
      );
      await prepare?.(sessions);
      return { sessions, keys: await findTokenKeys(sessions, deadline) };
    } catch (error) {
      this.#open = undefined;
      await sessions?.close();
      throw error;
    }
  }
}

async function closeAll(opening: Promise<OpenToken>): Promise<void> {
  const [outcome] = await Promise.allSettled([opening]);
  if (outcome.status === 'fulfilled') await outcome.value.sessions.close();
}

function gcm(nonce: Buffer, context: Uint8Array): pkcs11js.Mechanism {
  const parameter = {
    type: pkcs11js.CK_PARAMS_AES_GCM_v240,
    iv: nonce,
    ivBits: nonceSizeBytes * 8,
    aad: Buffer.from(context),
    tagBits: tagSizeBytes * 8,
  };
  return { mechanism: pkcs11js.CKM_AES_GCM, parameter };
}

/** A token has no deadlines of its own: a late operation goes on, and keeps its session. */
async function within<Value>(
  deadline: Deadline,
  what: string,
  work: Promise<Value>,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `${what} not done: the token did not answer before the deadline`;
    const expire = (): void => reject(new DeviceError('device-deadline-exceeded', message));
    timer = setTimeout(expire, deadline.remainingMs());
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
