/** Whether the box booted what the reader expects, by the TPM's quote in the boot entry. */
import { encodeHex, equalBytes } from '../bytes.ts';
import { checkBootQuotes } from './check-boot.ts';
import type { Boot, Evidence } from './evidence.ts';
import { unverifiable } from './finding.ts';

/** The quotes are right; and what they show is what the policy expects, where it expects any. */
export async function checkBootQuote(evidence: Evidence): Promise<string> {
  const { boots, policy } = evidence;
  const { expectedPcrs } = policy;
  if (expectedPcrs === undefined) {
    return `${await checkBootQuotes(evidence)}; the policy expects no values`;
  }
  const silent = boots.find(({ attest }) => attest === null);
  if (boots.length === 0 || silent !== undefined) {
    const what = silent === undefined ? 'no boot entry' : `boot entry ${silent.item.index}`;
    throw unverifiable(`the policy expects values of PCRs; ${what} is here without a quote`);
  }
  const text = await checkBootQuotes(evidence);
  for (const boot of boots) requireExpected(boot, expectedPcrs);
  const pcrs = expectedPcrs.map(({ pcr }) => pcr).join(', ');
  return `${text}; PCR ${pcrs} are what the policy expects`;
}

function requireExpected(
  { item }: Boot,
  expected: NonNullable<Evidence['policy']['expectedPcrs']>,
): void {
  const values = item.entry.bootQuote?.values ?? [];
  for (const { pcr, value } of expected) {
    const shown = values.find((each) => each.pcr === pcr)?.value;
    if (shown === undefined) {
      throw unverifiable(
        `boot entry ${item.index} does not show PCR ${pcr}, which the policy expects`,
      );
    }
    if (!equalBytes(shown, value)) {
      const found = encodeHex(shown).slice(0, 16);
      throw unverifiable(
        `at boot entry ${item.index} PCR ${pcr} was ${found}…, not what the policy expects: ` +
          'firmware, settings or boot loader were others',
      );
    }
  }
}
