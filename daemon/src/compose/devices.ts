/**
 * The devices of the configured profile, behind the helper process. A helper that ended is started
 * again by the next call, so that a fault of a device library pauses anchoring and not the ledger.
 * Nothing is chosen here at run time: the settings name one TPM and one token.
 */
import { join } from 'node:path';

import { startDeviceHelper, type DeviceHelper } from '../../devices/client.ts';
import { reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Configuration } from '../config/load.ts';
import type { AnchorRegisters } from '../hardware/anchor-registers.ts';
import type { AttestationDevice } from '../hardware/attestation-device.ts';
import type { CredentialActivation } from '../hardware/credential-activation.ts';
import {
  defaultCounterIndex,
  defaultExtendIndex,
  type DeviceSettings,
} from '../hardware/device-settings.ts';
import type { PinProvisioning } from '../hardware/pin-provisioning.ts';
import type { DeviceProvisioning, TpmCustody } from '../hardware/provisioning.ts';
import type { SigningToken } from '../hardware/signing-token.ts';
import type { TokenPin } from '../hardware/token-pin.ts';
import type { TpmExaminer } from '../hardware/tpm-examination.ts';

export class Devices {
  readonly attestation: AttestationDevice &
    AnchorRegisters &
    CredentialActivation &
    TpmExaminer &
    DeviceProvisioning &
    TpmCustody;
  readonly token: SigningToken & DeviceProvisioning;
  readonly pin: PinProvisioning & TokenPin;
  readonly #settings: DeviceSettings;
  readonly #log: Log;
  #helper: DeviceHelper | null = null;

  constructor({ state, settings }: Configuration, log: Log) {
    this.#settings = settingsOf(state, settings);
    this.#log = log;
    const tpm = () => this.#current().attestationDevice;
    const token = () => this.#current().signingToken;
    this.attestation = {
      describe: (timeoutMs) => tpm().describe(timeoutMs),
      bracket: (data, timeoutMs) => tpm().bracket(data, timeoutMs),
      certifyCounter: (data, timeoutMs) => tpm().certifyCounter(data, timeoutMs),
      signCheckpoint: (message, timeoutMs) => tpm().signCheckpoint(message, timeoutMs),
      incrementCounter: (timeoutMs) => tpm().incrementCounter(timeoutMs),
      readRegisters: (timeoutMs) => tpm().readRegisters(timeoutMs),
      extendPcr: (extension, timeoutMs) => tpm().extendPcr(extension, timeoutMs),
      extendIndex: (extension, timeoutMs) => tpm().extendIndex(extension, timeoutMs),
      certifyExtend: (data, timeoutMs) => tpm().certifyExtend(data, timeoutMs),
      quote: (request, timeoutMs) => tpm().quote(request, timeoutMs),
      activateCredential: (credential, timeoutMs) =>
        tpm().activateCredential(credential, timeoutMs),
      examine: (request, timeoutMs) => tpm().examine(request, timeoutMs),
      provision: (ledgerId, timeoutMs) => tpm().provision(ledgerId, timeoutMs),
      setAuthorisation: (what, timeoutMs) => tpm().setAuthorisation(what, timeoutMs),
    };
    this.token = {
      describe: (timeoutMs) => token().describe(timeoutMs),
      sign: (message, timeoutMs) => token().sign(message, timeoutMs),
      wrap: (key, context, timeoutMs) => token().wrap(key, context, timeoutMs),
      unwrap: (wrapped, context, timeoutMs) => token().unwrap(wrapped, context, timeoutMs),
      provision: (ledgerId, timeoutMs) => token().provision(ledgerId, timeoutMs),
    };
    const pin = () => this.#current().tokenPin;
    this.pin = {
      findPin: (timeoutMs) => pin().findPin(timeoutMs),
      preparePin: (sealing, timeoutMs) => pin().preparePin(sealing, timeoutMs),
      officerPin: (timeoutMs) => pin().officerPin(timeoutMs),
      adoptPin: (sealing, serial, timeoutMs) => pin().adoptPin(sealing, serial, timeoutMs),
      describePin: (timeoutMs) => pin().describePin(timeoutMs),
      approveBoot: (approval, timeoutMs) => pin().approveBoot(approval, timeoutMs),
    };
  }

  /** Puts the devices in order and ends the helper. */
  async close(): Promise<void> {
    await this.#helper?.close();
    this.#helper = null;
  }

  #current(): DeviceHelper {
    if (this.#helper !== null) return this.#helper;
    const helper = startDeviceHelper(this.#settings);
    this.#helper = helper;
    void helper.ended.then((error) => {
      if (this.#helper === helper) this.#helper = null;
      if (error !== undefined) this.#log.warning('device helper lost', { reason: reasonOf(error) });
    });
    return helper;
  }
}

function settingsOf(state: string, settings: Configuration['settings']): DeviceSettings {
  return {
    tpm: {
      label: settings.profile,
      tcti: settings.tcti,
      folder: join(state, 'devices', 'tpm-keys'),
      counterIndex: defaultCounterIndex,
      extendIndex: defaultExtendIndex,
      anchorPcr: settings.anchorPcr,
      // The emulated TPM is started for this state folder and has no other user; a chip is reached
      // through the kernel's resource manager.
      soleUser: settings.profile === 'emulated',
    },
    token: {
      label: settings.profile,
      module: settings.pkcs11Module,
      tokenLabel: settings.tokenLabel,
      pinFile: settings.tokenPinFile,
    },
    environment: { SOFTHSM2_CONF: settings.softhsmConfig },
  };
}
