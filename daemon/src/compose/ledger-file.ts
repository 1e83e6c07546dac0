/** `ledger.json` of the state folder. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { encodeHex } from '@kudurru/proof';

import type { FoundedLedger } from './founding.ts';

/** For people: what this folder is. The daemon never reads it. */
export function writeLedgerFile(state: string, founded: FoundedLedger): void {
  const { ledgerId, origin, trustDomain, logKeyText, applianceId, document } = founded;
  const facts = {
    note: 'for people; the daemon never reads this file',
    ledgerId: encodeHex(ledgerId),
    origin,
    trustDomain,
    logKey: logKeyText,
    applianceId: encodeHex(applianceId),
    label: document.label,
  };
  writeFileSync(join(state, 'ledger.json'), `${JSON.stringify(facts, null, 2)}\n`);
}
