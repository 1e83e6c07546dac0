/** The genesis entry of a bundle, with everything that it embeds. */
import { decodeApplianceDocument } from '../appliance.ts';
import type { EntryOf } from '../entry.ts';
import { applianceIdOf, decodeProvisioningRecord, ledgerIdOf } from '../identifier.ts';
import { parseVerifierKey } from '../note.ts';
import { parseAttest } from '../tpm-attest.ts';
import { parseNvPublic, parseObjectPublic, parseSigningPublic } from '../tpm-public.ts';
import type { Genesis, Item } from './evidence.ts';

export function decodeGenesis(item: Item<EntryOf<'genesis'>>): Genesis {
  const { provisioningRecord, applianceDocument, logKey } = item.entry;
  const document = decodeApplianceDocument(applianceDocument);
  return {
    item,
    provisioning: decodeProvisioningRecord(provisioningRecord),
    ledgerId: ledgerIdOf(provisioningRecord),
    logKey: parseVerifierKey(logKey),
    document,
    applianceId: applianceIdOf(applianceDocument),
    ek: parseObjectPublic(document.ekPublic),
    ak: parseSigningPublic(document.akPublic),
    checkpointKey: parseSigningPublic(document.checkpointKeyPublic),
    checkpointKeyAttest: parseAttest(document.checkpointKeyCreation.attest),
    counter: parseNvPublic(document.counterPublic),
    extend: document.extendPublic && parseNvPublic(document.extendPublic),
  };
}
