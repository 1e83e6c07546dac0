/** How the token's PIN is kept, for people: in the status, and as a check beside the TPM's. */
import type { PinView } from '../control/views.ts';
import type { PinProtection } from '../hardware/token-pin.ts';
import type { TpmCheck } from '../hardware/tpm-examination.ts';

export function pinView(pin: PinProtection): PinView {
  if (pin.kind === 'file') return pin;
  const { kind, approvals, isApproved } = pin;
  return { kind, pcrs: pcrsOf(pin), approvals: approvals.length, isApproved };
}

export function pinCheck(pin: PinProtection): TpmCheck {
  const name = 'token PIN';
  if (pin.kind === 'file') {
    const text = `not sealed: who reads '${pin.path}' can use the token`;
    return { name, outcome: 'poor', text };
  }
  const pcrs = pcrsOf(pin).join(', ');
  const sealed = `sealed, for ${pin.approvals.length} approved boots by PCR ${pcrs}`;
  return pin.isApproved
    ? { name, outcome: 'good', text: `${sealed}; this is one` }
    : { name, outcome: 'poor', text: `${sealed}; this is none: the next start is refused` };
}

function pcrsOf(pin: Extract<PinProtection, { kind: 'sealed' }>): readonly number[] {
  return pin.approvals[0]?.values.map(({ pcr }) => pcr) ?? [];
}
