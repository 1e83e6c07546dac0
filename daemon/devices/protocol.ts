/**
 * What the daemon and its device helper say to each other: one request, one reply, matched by
 * number. The channel is Node's IPC with structured clone, so bytes and bigints travel as they are.
 * Both ends are the same build and the channel is private to them: shapes are fixed by these types.
 */
import type { ErrorCode } from '../src/base/errors.ts';
import type { AnchorRegisters } from '../src/hardware/anchor-registers.ts';
import type { AttestationDevice } from '../src/hardware/attestation-device.ts';
import type { CredentialActivation } from '../src/hardware/credential-activation.ts';
import type { DeviceSettings } from '../src/hardware/device-settings.ts';
import type { PinProvisioning } from '../src/hardware/pin-provisioning.ts';
import type { DeviceProvisioning, TpmCustody } from '../src/hardware/provisioning.ts';
import type { SigningToken } from '../src/hardware/signing-token.ts';
import type { TokenPin } from '../src/hardware/token-pin.ts';
import type { TpmExaminer } from '../src/hardware/tpm-examination.ts';

/** The methods of each device; the last argument of each is its deadline. */
export interface Devices {
  readonly tpm: AttestationDevice &
    AnchorRegisters &
    CredentialActivation &
    TpmExaminer &
    DeviceProvisioning &
    TpmCustody;
  readonly token: SigningToken & DeviceProvisioning;
  readonly pin: PinProvisioning & TokenPin;
}
export type DeviceName = keyof Devices;

/** First message: what to open. `parentPid` is whose end is the helper's end. */
export interface Start {
  readonly settings: DeviceSettings;
  readonly parentPid: number;
}

export interface Request {
  readonly id: number;
  readonly device: DeviceName;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** `Stop` asks the helper to put the devices in order and end by itself. */
export interface Stop {
  readonly stop: true;
}

export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: Failure };

/** An error as values: the class is made again at the other end. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly deviceMayHaveChanged: boolean;
}

/** The helper accepts these names and no others. */
export const deviceMethods: Readonly<Record<DeviceName, readonly string[]>> = {
  tpm: [
    ...['describe', 'bracket', 'certifyCounter', 'signCheckpoint', 'incrementCounter'],
    ...['readRegisters', 'extendPcr', 'extendIndex', 'certifyExtend', 'quote'],
    ...['activateCredential', 'examine', 'provision', 'setAuthorisation'],
  ],
  token: ['describe', 'sign', 'wrap', 'unwrap', 'provision'],
  pin: ['findPin', 'preparePin', 'officerPin', 'adoptPin', 'describePin', 'approveBoot'],
};
