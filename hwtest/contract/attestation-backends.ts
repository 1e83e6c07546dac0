/**
 * What the AttestationDevice contract runs against. A backend that is not there is listed with the
 * words that tell how to enable it; an ability it lacks makes the tests of that ability pending.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startDeviceHelper } from '../../daemon/devices/client.ts';
import type { AnchorRegisters } from '../../daemon/src/hardware/anchor-registers.ts';
import type { AttestationDevice } from '../../daemon/src/hardware/attestation-device.ts';
import { TpmAttestationDevice } from '../../daemon/src/hardware/backends/tpm-attestation-device.ts';
import type { CredentialActivation } from '../../daemon/src/hardware/credential-activation.ts';
import {
  type TpmSettings,
  defaultCounterIndex,
  defaultExtendIndex,
} from '../../daemon/src/hardware/device-settings.ts';
import type { DeviceProvisioning } from '../../daemon/src/hardware/provisioning.ts';
import type { TpmExaminer } from '../../daemon/src/hardware/tpm-examination.ts';
import { startSwtpm } from '../backends/swtpm.ts';
import type { Backend } from './suite.ts';

export type ProvisionedDevice = AttestationDevice &
  AnchorRegisters &
  CredentialActivation &
  TpmExaminer &
  DeviceProvisioning;

/** What a test bench can do to the TPM itself. */
export interface TpmAbilities {
  /** As if the host lost and regained power. */
  powerCycle(orderly: boolean): Promise<void>;
  /** The TPM stops answering, and answers again. */
  suspend(): Promise<void>;
  resume(): void;
}

export interface AttestationBench {
  readonly device: ProvisionedDevice;
  readonly settings: TpmSettings;
  readonly abilities: TpmAbilities | undefined;
  /** Another user of the same TPM, with settings of its own. */
  open(settings: TpmSettings): Promise<{ device: ProvisionedDevice; close(): Promise<void> }>;
  close(): Promise<void>;
}

export interface AttestationBackend extends Backend {
  make(): Promise<AttestationBench>;
}

const closeTimeoutMs = 5000;

async function openHere(
  settings: TpmSettings,
): Promise<{ device: ProvisionedDevice; close(): Promise<void> }> {
  const device = new TpmAttestationDevice(settings);
  return { device, close: () => device.close(closeTimeoutMs) };
}

async function openInHelper(
  settings: TpmSettings,
): Promise<{ device: ProvisionedDevice; close(): Promise<void> }> {
  // The token is opened on first use only, and this contract never uses it.
  const token = {
    label: 'emulated',
    module: '/none',
    tokenLabel: 'none',
    pinFile: '/none',
  } as const;
  const helper = startDeviceHelper({ tpm: settings, token, environment: {} });
  return { device: helper.attestationDevice, close: () => helper.close() };
}

async function makeSwtpm(open: AttestationBench['open']): Promise<AttestationBench> {
  const folder = mkdtempSync(join(tmpdir(), 'kudurru-'));
  const tpm = await startSwtpm(folder);
  const settings: TpmSettings = {
    // On purpose: an emulator must be labelled as one whatever is configured.
    label: 'hardware',
    tcti: tpm.tcti,
    folder: join(folder, 'keys'),
    counterIndex: defaultCounterIndex,
    extendIndex: defaultExtendIndex,
    anchorPcr: 14,
    soleUser: true,
  };
  const first = await open(settings);
  return {
    device: first.device,
    settings,
    abilities: {
      powerCycle: (orderly) => tpm.powerCycle(orderly),
      suspend: () => tpm.suspend(),
      resume: () => tpm.resume(),
    },
    open,
    async close() {
      await first.close();
      await tpm.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

const realTcti = process.env['KUDURRU_HWTEST_TPM'];
const realFolder = process.env['KUDURRU_HWTEST_TPM_FOLDER'];

async function makeReal(): Promise<AttestationBench> {
  const settings: TpmSettings = {
    label: 'hardware',
    tcti: realTcti ?? '',
    folder: realFolder ?? '',
    counterIndex: defaultCounterIndex,
    extendIndex: defaultExtendIndex,
    anchorPcr: 14,
    soleUser: false,
  };
  const first = await openHere(settings);
  return { ...first, settings, abilities: undefined, open: openHere };
}

export const attestationBackends: readonly AttestationBackend[] = [
  { name: 'swtpm', label: 'emulated', missing: undefined, make: () => makeSwtpm(openHere) },
  {
    name: 'swtpm through the device helper',
    label: 'emulated',
    missing: undefined,
    make: () => makeSwtpm(openInHelper),
  },
  {
    name: 'TPM chip',
    label: 'hardware',
    missing:
      realTcti !== undefined && realFolder !== undefined
        ? undefined
        : 'set KUDURRU_HWTEST_TPM=device:/dev/tpmrm0 and KUDURRU_HWTEST_TPM_FOLDER to a folder ' +
          'that is kept; the test ledger stays in the TPM',
    make: makeReal,
  },
];
