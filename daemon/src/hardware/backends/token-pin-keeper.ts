/**
 * The token's PINs: made here, sealed to the TPM, and opened in approved boots, all inside the
 * device helper. Where nothing was sealed the user's PIN is in its file, and nowhere else.
 */
import { randomBytes } from 'node:crypto';

import type { BootApproval, PcrValue } from '../boot-approval.ts';
import { Deadline } from '../deadline.ts';
import { DeviceError } from '../device-error.ts';
import type { DeviceSettings } from '../device-settings.ts';
import type { PinKeeping, PinProvisioning, PinSealing } from '../pin-provisioning.ts';
import type { PinProtection, SealedPin, TokenPin } from '../token-pin.ts';
import { bootNotApproved, hasValues } from './boot-difference.ts';
import { isApproved } from './boot-policy.ts';
import { readPinFile } from './pin-file.ts';
import { isTokenThere, type TokenPins } from './pkcs11-initialise.ts';
import type { UserPin } from './pkcs11-sessions.ts';
import {
  approvalsMax,
  readTokenPin,
  tokenPinFile,
  writeTokenPin,
  type PreparedPin,
  type TokenPinState,
} from './token-pin-state.ts';
import type { TpmAttestationDevice } from './tpm-attestation-device.ts';
import type { SealedParts } from './tpm-sealing.ts';
import { settleTpmState } from './tpm-state.ts';

/** 128 bits, as 32 hexadecimal characters: what every token takes. */
const pinSizeBytes = 16;

type Sealer = Pick<TpmAttestationDevice, 'seal' | 'unseal' | 'readBoot'>;

export class TokenPinKeeper implements PinProvisioning, TokenPin {
  readonly #settings: DeviceSettings;
  readonly #tpm: Sealer;

  constructor(settings: DeviceSettings, tpm: Sealer) {
    this.#settings = settings;
    this.#tpm = tpm;
  }

  /** Before the token is used: the module has one user at a time. */
  async findPin(): Promise<PinKeeping> {
    const state = this.#read();
    if (state !== undefined) {
      settleTpmState(this.#settings.tpm.folder);
      return state.stage === 'prepared' ? 'prepared' : 'sealed';
    }
    return isTokenThere(this.#settings.token) ? 'file' : 'blank';
  }

  async preparePin(sealing: PinSealing, timeoutMs: number): Promise<void> {
    const deadline = new Deadline(timeoutMs, 'sealing of the PINs');
    this.#refuseSealed();
    const common = await this.#seal(sealing, makePin(), deadline);
    const officerPin = await this.#tpm.seal(encode(makePin()), sealing, deadline);
    this.#write({ ...common, stage: 'prepared', officerPin });
  }

  async officerPin(timeoutMs: number): Promise<string> {
    const deadline = new Deadline(timeoutMs, 'unsealing of a PIN');
    const state = this.#read();
    if (state?.stage !== 'prepared') throw unprepared();
    return this.#unseal(state, state.officerPin, deadline);
  }

  async adoptPin(sealing: PinSealing, tokenSerial: string, timeoutMs: number): Promise<void> {
    const deadline = new Deadline(timeoutMs, 'sealing of the PIN');
    this.#refuseSealed();
    const pin = readPinFile(this.#settings.token.pinFile);
    const common = await this.#seal(sealing, pin, deadline);
    this.#write({ ...common, stage: 'finished', tokenSerial });
  }

  /** Where the token's initialisation was begun: its PINs. */
  async unfinishedPins(deadline: Deadline): Promise<TokenPins | null> {
    const state = this.#read();
    if (state?.stage !== 'prepared') return null;
    return {
      userPin: await this.#unseal(state, state.userPin, deadline),
      officerPin: await this.#unseal(state, state.officerPin, deadline),
    };
  }

  /** The token has its user PIN: the security officer's is forgotten. */
  finish(tokenSerial: string): void {
    const state = this.#read();
    if (state?.stage !== 'prepared') throw unprepared();
    const { officerPin: _, ...common } = state;
    this.#write({ ...common, stage: 'finished', tokenSerial });
  }

  /** @throws DeviceError `boot-not-approved`, `device-missing`, `device-mismatch` */
  async userPin(deadline: Deadline): Promise<UserPin> {
    const state = this.#read();
    const { pinFile } = this.#settings.token;
    if (state === undefined) return { value: readPinFile(pinFile), from: `in '${pinFile}'` };
    if (state.stage === 'prepared') {
      throw new DeviceError(
        'device-mismatch',
        'token not usable: its initialisation was interrupted; run "kudurru provision" again',
      );
    }
    const value = await this.#unseal(state, state.userPin, deadline);
    return { value, from: 'sealed to the TPM', token: { tokenSerial: state.tokenSerial } };
  }

  async describePin(timeoutMs: number): Promise<PinProtection> {
    const deadline = new Deadline(timeoutMs, 'reading of the boot');
    const state = this.#read();
    if (state === undefined) return { kind: 'file', path: this.#settings.token.pinFile };
    return this.#describe(state, deadline);
  }

  async approveBoot(approval: BootApproval, _timeoutMs: number): Promise<void> {
    const state = this.#required();
    if (!isApproved(approval, state)) {
      throw new DeviceError(
        'approval-invalid',
        'boot not approved: the approval is not signed for this ledger by the key that approves ' +
          'its boots',
      );
    }
    const others = state.approvals.filter((known) => !hasSameValues(known, approval));
    this.#write({ ...state, approvals: [approval, ...others].slice(0, approvalsMax) });
  }

  async #seal(
    sealing: PinSealing,
    pin: string,
    deadline: Deadline,
  ): Promise<Omit<PreparedPin, 'stage' | 'officerPin'>> {
    const { ledgerId, approvalKey, approval } = sealing;
    const userPin = await this.#tpm.seal(encode(pin), sealing, deadline);
    return { ledgerId, approvalKey, userPin, approvals: [approval] };
  }

  async #unseal(state: TokenPinState, sealed: SealedParts, deadline: Deadline): Promise<string> {
    const { approvals } = state;
    const shown = new Map<number, PcrValue>();
    for (const { values } of approvals) {
      const unread = values.map(({ pcr }) => pcr).filter((pcr) => !shown.has(pcr));
      if (unread.length === 0) continue;
      for (const read of await this.#tpm.readBoot(unread, deadline)) shown.set(read.pcr, read);
    }
    const now = [...shown.values()];
    const approval = approvals.find((one) => hasValues(one, now));
    if (approval === undefined) throw bootNotApproved(approvals, now);
    const what = { sealed, authority: state, approval };
    return Buffer.from(await this.#tpm.unseal(what, deadline)).toString('utf8');
  }

  async #describe(state: TokenPinState, deadline: Deadline): Promise<SealedPin> {
    const { ledgerId, approvalKey, approvals } = state;
    const pcrs = approvals[0]?.values.map(({ pcr }) => pcr) ?? [];
    const now = await this.#tpm.readBoot(pcrs, deadline);
    const isNowApproved = approvals.some((one) => hasValues(one, now));
    return { kind: 'sealed', ledgerId, approvalKey, now, approvals, isApproved: isNowApproved };
  }

  #read(): TokenPinState | undefined {
    return readTokenPin(this.#settings.tpm.folder);
  }

  #write(state: TokenPinState): void {
    writeTokenPin(this.#settings.tpm.folder, state);
  }

  #required(): TokenPinState {
    const state = this.#read();
    if (state !== undefined) return state;
    throw new DeviceError(
      'pin-not-sealed',
      `PIN not sealed: there is no '${tokenPinFile(this.#settings.tpm.folder)}'; the token's PIN ` +
        `is in '${this.#settings.token.pinFile}', as where a ledger was founded without ` +
        '"kudurru provision"',
    );
  }

  #refuseSealed(): void {
    if (this.#read() === undefined) return;
    throw new DeviceError('device-mismatch', 'PIN not sealed: there is a sealed one already');
  }
}

function makePin(): string {
  return randomBytes(pinSizeBytes).toString('hex');
}

function encode(pin: string): Uint8Array {
  return Uint8Array.from(Buffer.from(pin));
}

function hasSameValues(one: BootApproval, other: BootApproval): boolean {
  return one.values.length === other.values.length && hasValues(one, other.values);
}

function unprepared(): DeviceError {
  return new DeviceError('device-mismatch', 'token not initialised: no PIN is prepared for it');
}
