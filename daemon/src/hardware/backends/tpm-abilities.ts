/**
 * What the ledger cannot do without: P-256, a SHA-256 bank with the PCR that anchors extend, and a
 * TPM that has found no fault in itself. Checked whenever the TPM is opened; a TPM that lacks one
 * is refused with `device-unfit`.
 */
import { type Tpm, constants } from '@kudurru/tpm2-tss';

import type { Deadline } from '../deadline.ts';
import { DeviceError } from '../device-error.ts';
import type { TpmSettings } from '../device-settings.ts';
import type { TpmCheck } from '../tpm-examination.ts';

export async function checkAbilities(
  tpm: Tpm,
  settings: TpmSettings,
  deadline: Deadline,
): Promise<TpmCheck[]> {
  const result = await tpm.platform.testResult({ timeoutMs: deadline.remainingMs() });
  const curves = await tpm.platform.curves({ timeoutMs: deadline.remainingMs() });
  const banks = await tpm.platform.pcrBanks({ timeoutMs: deadline.remainingMs() });
  const pcrs = banks.get(constants.algorithm.sha256) ?? [];
  const { anchorPcr } = settings;
  return [
    check('self-test', result === 0, {
      good: 'passed',
      bad:
        `failed with TPM_RC 0x${result.toString(16)}: power the box off and on; where that does ` +
        'not help, the TPM is broken',
    }),
    check('P-256', curves.includes(constants.curve.p256), {
      good: 'signs with it',
      bad: 'this curve is missing, and our keys are on it: another TPM is needed',
    }),
    check('SHA-256 PCRs', pcrs.includes(anchorPcr), {
      good: `${pcrs.length} of them`,
      bad:
        `PCR ${anchorPcr} is in no active SHA-256 bank: activate that bank in the setup of the ` +
        "box's firmware",
    }),
  ];
}

/** @throws DeviceError `device-unfit` that names the first ability that is missing */
export async function refuseUnable(
  tpm: Tpm,
  settings: TpmSettings,
  deadline: Deadline,
): Promise<void> {
  const missing = (await checkAbilities(tpm, settings, deadline)).find(
    ({ outcome }) => outcome === 'bad',
  );
  if (missing === undefined) return;
  throw new DeviceError('device-unfit', `TPM not usable: ${missing.name}: ${missing.text}`);
}

function check(
  name: string,
  isGood: boolean,
  texts: { readonly good: string; readonly bad: string },
): TpmCheck {
  return isGood
    ? { name, outcome: 'good', text: texts.good }
    : { name, outcome: 'bad', text: texts.bad };
}
