/**
 * Both emulators of one state folder, and the settings that a device helper needs to use them. This
 * is what `npm start` runs for the profile `emulated`.
 */
import { join } from 'node:path';

import {
  type DeviceSettings,
  defaultCounterIndex,
  defaultExtendIndex,
} from '../../daemon/src/hardware/device-settings.ts';
import { prepareSofthsm } from './softhsm.ts';
import { type RunningSwtpm, startSwtpm } from './swtpm.ts';

export interface EmulatedDevices {
  readonly settings: DeviceSettings;
  readonly tpm: RunningSwtpm;
  /** TPM2_Shutdown and the end of swtpm. The token has no process. */
  stop(): Promise<void>;
}

export const emulatedTokenLabel = 'kudurru';

/**
 * A `blank` token is what `kudurru provision` initialises.
 * @throws KudurruError `socket-path-too-long`, `device-emulator-failed`
 */
export async function startEmulatedDevices(
  folder: string,
  tokenAs: 'initialised' | 'blank' = 'initialised',
): Promise<EmulatedDevices> {
  const tpm = await startSwtpm(folder);
  try {
    const token = await prepareSofthsm(folder, emulatedTokenLabel, tokenAs);
    const { module, tokenLabel, pinFile, environment } = token;
    return {
      settings: {
        tpm: {
          label: 'emulated',
          tcti: tpm.tcti,
          folder: join(folder, 'tpm-keys'),
          counterIndex: defaultCounterIndex,
          extendIndex: defaultExtendIndex,
          anchorPcr: 14,
          soleUser: true,
        },
        token: { label: 'emulated', module, tokenLabel, pinFile },
        environment,
      },
      tpm,
      stop: () => tpm.stop(),
    };
  } catch (error) {
    await tpm.stop();
    throw error;
  }
}
