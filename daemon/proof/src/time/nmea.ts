/**
 * One NMEA 0183 sentence: RMC, ZDA, GGA and GSA decoded, every other one as its fields. Strict: the
 * checksum is required, a field has the form that the standard gives it or is empty, and nothing is
 * filled in from elsewhere: a two-digit year stays one.
 */
import { ProofError } from '../proof-error.ts';
import { checksumOf, NmeaFields } from './nmea-fields.ts';
import type { NmeaPosition, NmeaTime } from './nmea-fields.ts';

/** The standard says 82; receivers of high precision write longer positions. */
export const NMEA_SENTENCE_SIZE_BYTES_MAX = 128;

/** Recommended minimum: the only sentence with a date and a verdict on it. */
export interface Rmc {
  readonly kind: 'rmc';
  readonly talker: string;
  readonly time: NmeaTime | null;
  readonly isValid: boolean;
  readonly position: NmeaPosition | null;
  /** `year` is 0 to 99: the century is not in the sentence. */
  readonly date: { readonly day: number; readonly month: number; readonly year: number } | null;
  /** A autonomous, D differential, E dead reckoning, M manual, S simulator, N none, or absent. */
  readonly mode: string | null;
}

/** Time and date, without any verdict. */
export interface Zda {
  readonly kind: 'zda';
  readonly talker: string;
  readonly time: NmeaTime | null;
  readonly date: { readonly day: number; readonly month: number; readonly year: number } | null;
}

/** Fix data, without a date. */
export interface Gga {
  readonly kind: 'gga';
  readonly talker: string;
  readonly time: NmeaTime | null;
  readonly position: NmeaPosition | null;
  /** 0 none, 1 GNSS, 2 differential, 4 and 5 RTK, 6 dead reckoning, 7 manual, 8 simulator. */
  readonly quality: number;
  readonly satellites: number | null;
}

/** Satellites in use. */
export interface Gsa {
  readonly kind: 'gsa';
  readonly talker: string;
  /** 1 none, 2 2D, 3 3D. */
  readonly fixType: number;
  /** Numbers of the satellites used, at most 12. */
  readonly satellites: readonly number[];
  /** Since 4.11: which constellation; null before. */
  readonly systemId: number | null;
}

/** A sentence that this appliance does not decode, or an owner's own (`$P…`). */
export interface OtherNmea {
  readonly kind: 'other-nmea';
  /** `GPGSV`, `PUBX`. */
  readonly address: string;
  readonly fields: readonly string[];
}

export type NmeaSentence = Rmc | Zda | Gga | Gsa | OtherNmea;

const SENTENCE = /^\$([A-Z][A-Z0-9]{2,7})((?:,[ !-#%-)+\--~]*)*)\*([0-9A-F]{2})\r\n$/;

/**
 * One whole sentence, from `$` to CR LF.
 * @throws ProofError `gnss-malformed`; `limit-exceeded` above NMEA_SENTENCE_SIZE_BYTES_MAX
 */
export function parseNmea(bytes: Uint8Array): NmeaSentence {
  if (bytes.length > NMEA_SENTENCE_SIZE_BYTES_MAX) {
    throw new ProofError('limit-exceeded', `nmea: a sentence of ${bytes.length} bytes`);
  }
  const match = SENTENCE.exec(String.fromCharCode(...bytes));
  if (match === null) throw new ProofError('gnss-malformed', 'nmea: not a sentence');
  const [, address = '', rest = '', written = ''] = match;
  if (checksumOf(address + rest) !== written) {
    throw new ProofError('gnss-malformed', `nmea: ${address} with a wrong checksum`);
  }
  const values = rest.split(',').slice(1);
  if (address.length === 5 && !address.startsWith('P')) {
    const read = READERS[address.slice(2)];
    if (read !== undefined) return read(new NmeaFields(address, values), address.slice(0, 2));
  }
  return { kind: 'other-nmea', address, fields: values };
}

type Reader = (fields: NmeaFields, talker: string) => NmeaSentence;

const READERS: Readonly<Record<string, Reader>> = {
  RMC: readRmc,
  ZDA: readZda,
  GGA: readGga,
  GSA: readGsa,
};

function readRmc(fields: NmeaFields, talker: string): Rmc {
  fields.requireCount(11, 13);
  const validity = fields.matching(1, /^[AV]$/);
  if (validity === null) throw fields.malformed(1);
  return {
    kind: 'rmc',
    talker,
    time: fields.time(0),
    isValid: validity === 'A',
    position: fields.position(2),
    date: fields.shortDate(8),
    mode: fields.count > 11 ? fields.matching(11, /^[A-Z]$/) : null,
  };
}

function readZda(fields: NmeaFields, talker: string): Zda {
  fields.requireCount(6, 6);
  return { kind: 'zda', talker, time: fields.time(0), date: fields.longDate(1) };
}

function readGga(fields: NmeaFields, talker: string): Gga {
  fields.requireCount(14, 14);
  const quality = fields.integer(5, 0, 9);
  if (quality === null) throw fields.malformed(5);
  const [time, position] = [fields.time(0), fields.position(1)];
  return { kind: 'gga', talker, time, position, quality, satellites: fields.integer(6, 0, 99) };
}

function readGsa(fields: NmeaFields, talker: string): Gsa {
  fields.requireCount(17, 18);
  fields.matching(0, /^[AM]$/);
  const fixType = fields.integer(1, 1, 3);
  if (fixType === null) throw fields.malformed(1);
  const numbers = Array.from({ length: 12 }, (_, i) => fields.integer(2 + i, 0, 999));
  return {
    kind: 'gsa',
    talker,
    fixType,
    satellites: numbers.filter((number) => number !== null),
    systemId: fields.count > 17 ? fields.hexDigit(17) : null,
  };
}
