/** A ledger on devices that are called hardware, with a chain to the maker of its TPM. */
import type { ApplianceDocument } from '../../src/appliance.ts';
import { buildBundle } from './build-bundle.ts';
import type { Entry } from '../../src/entry.ts';
import { spkiOfP256Point } from '../../src/es256.ts';
import type { EndorsementTrust } from '../../src/policy.ts';
import { DEFAULT_POLICY } from '../../src/policy.ts';
import { parseStoragePublic } from '../../src/tpm-public.ts';
import { authorityCertificate, endorsementCertificate, issuerOf } from './certificates.ts';
import type { Flaws } from './flaws.ts';
import type { CorpusLedger } from './ledger.ts';
import type { Exhibit } from './scenario.ts';
import { playScenario } from './scenario.ts';
import { SoftwareTpm } from './software-tpm.ts';
import { timedScenario } from './timed.ts';

export const maker = issuerOf('Maker of TPMs');
export const plant = issuerOf('Plant of the maker');
/** What readers trust. */
export const makerRoot = authorityCertificate(maker, maker);
/** By the maker, of the plant that certifies endorsement keys. */
export const plantCertificate = authorityCertificate(maker, plant);
/** Four letters, as the TPM reports them. */
export const MANUFACTURER = 'MAYE';

export interface HardwareChoices {
  /** Of the appliance document; the EK's and the plant's by default. */
  readonly certificates?: readonly Uint8Array[];
  readonly document?: Partial<ApplianceDocument>;
  /** Null for a policy that trusts no maker. */
  readonly trust?: (ledger: CorpusLedger) => EndorsementTrust | null;
  readonly flaws?: Flaws;
}

/** An intent on hardware, under the default policy and the root of the TPM's maker. */
export async function ofHardware(choices: HardwareChoices = {}): Promise<Exhibit> {
  const { certificates = [endorsementOf('alpha'), plantCertificate] } = choices;
  const { stage, flaws, options } = timedScenario();
  const timed = flaws.entry;
  const hardware: Flaws = {
    ...flaws,
    ...choices.flaws,
    document: (document) => ({
      ...document,
      label: 'hardware',
      manufacturer: MANUFACTURER,
      tokenLabel: 'hardware',
      ekCertificates: certificates,
      ...choices.document,
    }),
    entry: (entry, index) => onHardware(timed?.(entry, index) ?? entry),
  };
  const { ledger, intent } = playScenario(hardware, options);
  const trust = choices.trust?.(ledger);
  const endorsement = trust ?? { roots: [makerRoot], pins: [], atUnixSeconds: null };
  const appliances = [{ number: 0, id: ledger.applianceId, label: 'hardware' }] as const;
  const policy = ledger.policy({
    ...DEFAULT_POLICY,
    appliances,
    ...(trust === null ? {} : { endorsement }),
  });
  return { bytes: await buildBundle(ledger.source(), intent, stage.disclosures), policy };
}

/** The plant's certificate of the EK of the TPM called `label`. */
export function endorsementOf(
  label: string,
  choices: Parameters<typeof endorsementCertificate>[2] = {},
): Uint8Array {
  return endorsementCertificate(plant, ekSpki(label), choices);
}

/** SubjectPublicKeyInfo of the EK of the TPM called `label`. */
export function ekSpki(label: string): Uint8Array {
  const { key } = parseStoragePublic(new SoftwareTpm(label).ekPublic);
  if (key.type !== 'ecc') throw new Error('the EK of the corpus is on P-256');
  return spkiOfP256Point(key.point);
}

/** Real devices. */
export function onHardware(entry: Entry): Entry {
  return entry.kind === 'boot'
    ? { ...entry, attestationLabel: 'hardware', tokenLabel: 'hardware' }
    : entry;
}
