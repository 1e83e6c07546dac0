/** A boot against those that were approved: whether it is one of them, and what is another. */
import type { BootApproval, PcrValue } from '../boot-approval.ts';
import { DeviceError } from '../device-error.ts';

/** `now` shows every value of the approval. */
export function hasValues({ values }: BootApproval, now: readonly PcrValue[]): boolean {
  return differenceOf(values, now).length === 0;
}

/** Names the PCRs that differ from the approved boot that is nearest. */
export function bootNotApproved(
  approvals: readonly BootApproval[],
  now: readonly PcrValue[],
): DeviceError {
  const [nearest = []] = approvals
    .map(({ values }) => differenceOf(values, now))
    .toSorted((one, other) => one.length - other.length);
  const pcrs = nearest.map(
    ({ pcr, value }) => `PCR ${pcr} shows '${hex(shownOf(pcr, now))}' and not '${hex(value)}'`,
  );
  return new DeviceError(
    'boot-not-approved',
    `token's PIN not opened: the box did not boot as approved: ${pcrs.join('; ')}. If nobody ` +
      'changed firmware, its settings or the boot loader, find out who did; if that was you, ' +
      'have this boot approved: "kudurru pin request"',
  );
}

function differenceOf(values: readonly PcrValue[], now: readonly PcrValue[]): PcrValue[] {
  return values.filter(({ pcr, value }) => Buffer.compare(value, shownOf(pcr, now)) !== 0);
}

function shownOf(pcr: number, now: readonly PcrValue[]): Uint8Array {
  return now.find((shown) => shown.pcr === pcr)?.value ?? new Uint8Array();
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
