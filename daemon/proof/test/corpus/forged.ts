/** Every forged attestation. */
import { FORGED_ANCHORS } from './forged-anchors.ts';
import { FORGED_ATTESTS } from './forged-attests.ts';
import { FORGED_OBJECTS } from './forged-objects.ts';
import type { RejectCase } from './reject-case.ts';

export const FORGED_CASES: readonly RejectCase[] = [
  ...FORGED_ATTESTS,
  ...FORGED_OBJECTS,
  ...FORGED_ANCHORS,
];
