/**
 * Makes a blank token ours: C_InitToken and C_InitPIN (PKCS#11 v2.40 §5.5, §5.6), each once. A
 * token that is initialised already is never initialised again: one that our security officer's
 * PIN opens is an interrupted one of ours, and any other is refused.
 *
 * A crash after C_InitToken leaves a token without user PIN, which the same call goes on with; a
 * crash after C_InitPIN one that is done.
 */
import pkcs11js from 'pkcs11js';

import { reasonOf } from '../../base/errors.ts';
import { DeviceError } from '../device-error.ts';
import type { TokenSettings } from '../device-settings.ts';
import { isPinRefused } from './pkcs11-failure.ts';
import { describeToken, loadModule, sessionFlags, unloadModule } from './pkcs11-sessions.ts';

export interface TokenPins {
  readonly userPin: string;
  readonly officerPin: string;
}

/** C_InitToken reads exactly this many bytes of the label (§5.5). */
const labelSizeBytes = 32;

interface Place {
  readonly slot: pkcs11js.Handle;
  readonly label: string;
  readonly serial: string;
  readonly flags: number;
}

/** A token of this label is there, whoever initialised it. @throws DeviceError `device-missing` */
export function isTokenThere({ module: path, tokenLabel }: TokenSettings): boolean {
  return withModule(path, (module) =>
    placesIn(module).some((place) => isInitialised(place) && place.label === tokenLabel),
  );
}

/**
 * The serial number of the token.
 * @throws DeviceError `device-missing`, `device-mismatch`, `device-holds-another-ledger`,
 * `device-unfit`
 */
export function initialiseToken(settings: TokenSettings, pins: TokenPins): string {
  return withModule(settings.module, (module) => {
    const ours = placesIn(module).filter(
      (place) => isInitialised(place) && place.label === settings.tokenLabel,
    );
    if (ours.length > 1) throw ambiguous(ours, `have the label '${settings.tokenLabel}'`);
    const [begun] = ours;
    const slot = begun?.slot ?? initialiseBlank(module, settings, pins.officerPin);
    const place = placeOf(module, slot);
    if ((place.flags & pkcs11js.CKF_USER_PIN_INITIALIZED) === 0) setUserPin(module, place, pins);
    return place.serial;
  });
}

function withModule<Value>(path: string, work: (module: pkcs11js.PKCS11) => Value): Value {
  const module = loadModule(path);
  try {
    return work(module);
  } finally {
    unloadModule(module);
  }
}

function placesIn(module: pkcs11js.PKCS11): Place[] {
  return module.C_GetSlotList(true).map((slot) => placeOf(module, slot));
}

function placeOf(module: pkcs11js.PKCS11, slot: pkcs11js.Handle): Place {
  const { label, serial } = describeToken(module, slot);
  return { slot, label, serial, flags: module.C_GetTokenInfo(slot).flags };
}

function isInitialised({ flags }: Place): boolean {
  return (flags & pkcs11js.CKF_TOKEN_INITIALIZED) !== 0;
}

function initialiseBlank(
  module: pkcs11js.PKCS11,
  settings: TokenSettings,
  officerPin: string,
): pkcs11js.Handle {
  const { module: path, tokenLabel, tokenSerial } = settings;
  const blanks = placesIn(module).filter(
    (place) => !isInitialised(place) && (tokenSerial ?? place.serial) === place.serial,
  );
  const [blank, second] = blanks;
  if (blank === undefined) {
    throw new DeviceError(
      'device-missing',
      `token not initialised: '${path}' has neither a token labelled '${tokenLabel}' nor one ` +
        'that is not initialised yet',
    );
  }
  if (second !== undefined) throw ambiguous(blanks, 'are not initialised');
  requireRoom(module, blank, officerPin);
  module.C_InitToken(blank.slot, officerPin, tokenLabel.padEnd(labelSizeBytes, ' '));
  return blank.slot;
}

/** 0 and all ones mean that the module does not say (§3.2). */
function requireRoom(module: pkcs11js.PKCS11, { slot }: Place, pin: string): void {
  const { minPinLen, maxPinLen } = module.C_GetTokenInfo(slot);
  const isTooLong = maxPinLen > 0 && pin.length > maxPinLen;
  if (!isTooLong && pin.length >= minPinLen) return;
  throw new DeviceError(
    'device-unfit',
    `token not initialised: it takes PINs of ${minPinLen} to ${maxPinLen} characters, and ours ` +
      `has ${pin.length}; initialise it with its maker's tools, and name the PIN's file ` +
      "('tokenPinFile')",
  );
}

function setUserPin(module: pkcs11js.PKCS11, place: Place, pins: TokenPins): void {
  const session = module.C_OpenSession(place.slot, sessionFlags);
  try {
    module.C_Login(session, pkcs11js.CKU_SO, pins.officerPin);
    module.C_InitPIN(session, pins.userPin);
    module.C_Logout(session);
  } catch (error) {
    if (!isPinRefused(error)) throw error;
    throw new DeviceError(
      'device-holds-another-ledger',
      `token '${place.label}' not initialised: it is already, by somebody else ` +
        `(${reasonOf(error)}); nothing is overwritten: use a token of its own`,
      { cause: error },
    );
  } finally {
    module.C_CloseSession(session);
  }
}

function ambiguous(places: readonly Place[], what: string): DeviceError {
  const serials = places.map(({ serial }) => `'${serial}'`).join(', ');
  return new DeviceError(
    'device-mismatch',
    `token not initialised: ${places.length} tokens ${what} (serials ${serials}); leave one ` +
      'of them in reach of the module',
  );
}
