/**
 * What can be said of a sealed PIN without its TPM: the file is of its form, each approval is
 * signed by the key that approves, and ledger and token are those that the log was founded with.
 */
import { equalBytes } from '@kudurru/proof';

import { reasonOf } from '../base/errors.ts';
import { isApproved } from '../hardware/backends/boot-policy.ts';
import { parseTokenPin, type TokenPinState } from '../hardware/backends/token-pin-state.ts';

/** As its genesis entry has them. */
export interface FoundedWith {
  readonly ledgerId: Uint8Array;
  readonly tokenSerial: string;
}

/** In words; none where nothing is wrong. `founded` is null where no genesis entry is known. */
export function problemsOfSealedPin(text: string, founded: FoundedWith | null): readonly string[] {
  let state: TokenPinState;
  try {
    state = parseTokenPin(text);
  } catch (error) {
    return [reasonOf(error)];
  }
  const unsigned = state.approvals.flatMap((approval, place) =>
    isApproved(approval, state) ? [] : [`approval ${place + 1} is not signed by the key in it`],
  );
  return founded === null ? unsigned : [...unsigned, ...differences(state, founded)];
}

function differences(state: TokenPinState, { ledgerId, tokenSerial }: FoundedWith): string[] {
  const found = [];
  if (!equalBytes(state.ledgerId, ledgerId)) found.push('it is of another ledger');
  if (state.stage === 'prepared') {
    found.push("the ledger is founded, and the token's initialisation not finished");
  } else if (state.tokenSerial !== tokenSerial) {
    found.push(
      `it is of the token '${state.tokenSerial}', and the log was founded with '${tokenSerial}'`,
    );
  }
  return found;
}
