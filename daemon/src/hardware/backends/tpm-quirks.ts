/**
 * Known-bad behaviour of TPMs, by name. A row is of a manufacturer and its firmware versions, or of
 * anything that is seen by looking; what it means is for the person who runs the box. None changes
 * what the daemon does: it asks no TPM for more than all of them do.
 */
import type { TpmQuirk } from '../tpm-examination.ts';

/** What is known when the quirks are looked up. */
export interface TpmTraits {
  readonly manufacturer: string;
  /** TPM_PT_FIRMWARE_VERSION_1 and 2. */
  readonly firmwareVersion: bigint;
  /** 159 is 1.59. */
  readonly revision: number;
  readonly endorsementProfile: string;
  readonly hasCertificate: boolean;
}

interface Row extends TpmQuirk {
  readonly applies: (traits: TpmTraits) => boolean;
}

/** As the maker's advisory lists them. */
const leaking: ReadonlySet<string> = new Set([
  ...['71.0', '71.4', '71.12', '73.0', '73.4', '73.5', '73.8', '73.9'],
  ...['74.0', '74.4', '74.5', '74.8', '74.9', '74.16'],
]);

const rows: readonly Row[] = [
  {
    name: 'copied-state',
    meaning: 'a software TPM: whoever runs the host can copy it and put it back, unseen by anyone',
    applies: ({ manufacturer }) => ['IBM', 'MSFT'].includes(manufacturer),
  },
  {
    name: 'weak-rsa-keys',
    meaning:
      'this firmware makes RSA keys that can be factored (CVE-2017-15361), the endorsement key ' +
      'among them: update it, and have the endorsement key certified again',
    applies: (traits) =>
      traits.manufacturer === 'IFX' && (isBelow(traits, 5, 62) || isBelow(traits, 7, 62)),
  },
  {
    name: 'leaking-ecdsa',
    meaning:
      'this firmware tells P-256 keys by how long its signatures take (CVE-2019-16863): update ' +
      'it, and provision the box anew',
    applies: ({ manufacturer, firmwareVersion }) => {
      const [first, second] = firmwareParts(firmwareVersion);
      return manufacturer === 'STM' && leaking.has(`${first}.${second}`);
    },
  },
  {
    name: 'rsa-endorsement-only',
    meaning: 'no elliptic-curve endorsement key is certified: the RSA one is used, which is slow',
    applies: ({ endorsementProfile }) => endorsementProfile === 'rsa-2048',
  },
  {
    name: 'no-stored-certificate',
    meaning:
      'the endorsement key has no certificate in NV: get it from the maker of the TPM, or ' +
      'readers can only pin the key itself',
    applies: ({ hasCertificate }) => !hasCertificate,
  },
  {
    name: 'no-nv-digest',
    meaning: 'NV_Certify cannot give a digest (revision before 1.59): contents are certified',
    applies: ({ revision }) => revision < 159,
  },
];

export function quirksOf(traits: TpmTraits): TpmQuirk[] {
  return rows
    .filter(({ applies }) => applies(traits))
    .map(({ name, meaning }) => ({ name, meaning }));
}

/** Of this line of firmware, and older. */
function isBelow({ firmwareVersion }: TpmTraits, major: number, minor: number): boolean {
  const [first = 0, second = 0] = firmwareParts(firmwareVersion);
  return first === major && second < minor;
}

export function firmwareParts(version: bigint): number[] {
  return [48n, 32n, 16n, 0n].map((shift) => Number((version >> shift) & 0xffffn));
}
