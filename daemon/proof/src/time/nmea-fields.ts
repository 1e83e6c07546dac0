/** The fields of one NMEA sentence, each read by the form that the standard gives it. */
import { ProofError } from '../proof-error.ts';

/** Time of day in UTC. */
export interface NmeaTime {
  readonly hour: number;
  readonly minute: number;
  /** 60 in a leap second. */
  readonly second: number;
  readonly nanosecond: number;
}

/** In 10^-7 degrees, north and east positive; what is finer is cut off. */
export interface NmeaPosition {
  readonly latitudeE7: number;
  readonly longitudeE7: number;
}

interface CalendarDate {
  readonly day: number;
  readonly month: number;
  readonly year: number;
}

const TIME = /^([01]\d|2[0-3])([0-5]\d)([0-5]\d|60)(?:\.(\d{1,9}))?$/;
const SHORT_DATE = /^(\d{2})(\d{2})(\d{2})$/;
const LATITUDE = /^(\d{2})([0-5]\d)(?:\.(\d{1,8}))?$/;
const LONGITUDE = /^(\d{3})([0-5]\d)(?:\.(\d{1,8}))?$/;

/** Two upper-case hexadecimal digits over what stands between `$` and `*`. */
export function checksumOf(text: string): string {
  let sum = 0;
  for (let i = 0; i < text.length; i++) sum ^= text.charCodeAt(i);
  return sum.toString(16).toUpperCase().padStart(2, '0');
}

export class NmeaFields {
  readonly #address: string;
  readonly #values: readonly string[];

  constructor(address: string, values: readonly string[]) {
    this.#address = address;
    this.#values = values;
  }

  get count(): number {
    return this.#values.length;
  }

  requireCount(min: number, max: number): void {
    if (this.count >= min && this.count <= max) return;
    throw new ProofError('gnss-malformed', `nmea: ${this.#address} of ${this.count} fields`);
  }

  /** null where the field is empty. */
  matching(at: number, form: RegExp): string | null {
    const value = this.#values[at] ?? '';
    if (value === '') return null;
    if (!form.test(value)) throw this.malformed(at);
    return value;
  }

  integer(at: number, min: number, max: number): number | null {
    const value = this.matching(at, /^\d{1,4}$/);
    if (value === null) return null;
    const number = Number(value);
    if (number < min || number > max) throw this.malformed(at);
    return number;
  }

  hexDigit(at: number): number | null {
    const value = this.matching(at, /^[0-9A-F]$/);
    return value === null ? null : parseInt(value, 16);
  }

  time(at: number): NmeaTime | null {
    const value = this.matching(at, TIME);
    if (value === null) return null;
    const [, hour, minute, second, fraction = ''] = TIME.exec(value) ?? [];
    return {
      hour: Number(hour),
      minute: Number(minute),
      second: Number(second),
      nanosecond: Number(fraction.padEnd(9, '0')),
    };
  }

  /** `ddmmyy`. */
  shortDate(at: number): CalendarDate | null {
    const value = this.matching(at, SHORT_DATE);
    if (value === null) return null;
    const [, day, month, year] = SHORT_DATE.exec(value) ?? [];
    return this.#date(at, { day: Number(day), month: Number(month), year: Number(year) });
  }

  /** Day, month and year of four digits in three fields; all of them or none. */
  longDate(at: number): CalendarDate | null {
    const [day, month] = [this.integer(at, 1, 31), this.integer(at + 1, 1, 12)];
    const year = this.matching(at + 2, /^\d{4}$/);
    if (day === null && month === null && year === null) return null;
    if (day === null || month === null || year === null) throw this.malformed(at);
    return { day, month, year: Number(year) };
  }

  /** Latitude, N or S, longitude, E or W in four fields; all of them or none. */
  position(at: number): NmeaPosition | null {
    const latitude = this.matching(at, LATITUDE);
    const north = this.matching(at + 1, /^[NS]$/);
    const longitude = this.matching(at + 2, LONGITUDE);
    const east = this.matching(at + 3, /^[EW]$/);
    const isEmpty = latitude === null && longitude === null;
    // The letters of an unknown position may stand by themselves.
    if (isEmpty) return null;
    if (latitude === null || north === null || longitude === null || east === null) {
      throw this.malformed(at);
    }
    const latitudeE7 = degreesE7(LATITUDE, latitude) * (north === 'N' ? 1 : -1);
    const longitudeE7 = degreesE7(LONGITUDE, longitude) * (east === 'E' ? 1 : -1);
    if (Math.abs(latitudeE7) > 90e7 || Math.abs(longitudeE7) > 180e7) throw this.malformed(at);
    return { latitudeE7, longitudeE7 };
  }

  malformed(at: number): ProofError {
    const value = this.#values[at] ?? '';
    return new ProofError(
      'gnss-malformed',
      `nmea: ${this.#address} with '${value}' as field ${at + 1}`,
    );
  }

  #date(at: number, date: CalendarDate): CalendarDate {
    if (date.day < 1 || date.day > 31 || date.month < 1 || date.month > 12) {
      throw this.malformed(at);
    }
    return date;
  }
}

/** Degrees and minutes to 10^-7 degrees, in whole numbers throughout. */
function degreesE7(form: RegExp, value: string): number {
  const [, degrees, minutes, fraction = ''] = form.exec(value) ?? [];
  const minutesE8 = Number(minutes) * 1e8 + Number(fraction.padEnd(8, '0'));
  return Number(degrees) * 1e7 + Math.floor(minutesE8 / 600);
}
