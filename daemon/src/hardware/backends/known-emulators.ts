/**
 * Manufacturers whose devices are software. Their output is labelled `emulated` whatever the
 * configuration says: whoever runs the host can copy and roll back such a device unseen.
 */
import type { AssuranceLabel } from '../device-description.ts';

/**
 * TPM_PT_MANUFACTURER: libtpms (swtpm), Microsoft's reference code, and vTPMs of virtual machines.
 */
const tpmManufacturers: ReadonlySet<string> = new Set(['IBM', 'MSFT', 'VMW', 'GOOG', 'AMZN']);

/** CK_TOKEN_INFO.manufacturerID, from its beginning. */
const tokenManufacturers: readonly string[] = ['SoftHSM', 'Mozilla Foundation'];

export function tpmLabel(configured: AssuranceLabel, manufacturer: string): AssuranceLabel {
  return tpmManufacturers.has(manufacturer.trim()) ? 'emulated' : configured;
}

export function tokenLabel(configured: AssuranceLabel, manufacturer: string): AssuranceLabel {
  const software = tokenManufacturers.some((known) => manufacturer.startsWith(known));
  return software ? 'emulated' : configured;
}
