/**
 * The table `[time]` of the configuration file. What an appliance may take its time from, operators
 * order in a time profile; here stands where this box finds each source of it, and the level that
 * each agent waits for.
 *
 *     [time.sources.gm]           # id of a PTP source of the profile
 *     socket = "/var/run/ptp4l"
 *     device = "/dev/ptp0"        # where ptp4l sets the clock of a network card
 *
 *     [time.sources.roof]         # of a GNSS receiver
 *     line = "/dev/ttyACM0"
 *     pulse = "/dev/pps0"
 *
 *     [time.requireLevel]
 *     trader = "LOCKED"
 */
import { TIME_LEVELS, type TimeLevel } from '@kudurru/proof';

import { KudurruError } from '../base/errors.ts';

export interface PtpPlace {
  readonly kind: 'ptp';
  /** ptp4l's socket. */
  readonly socket: string;
  /** The clock that ptp4l sets, where that is a network card's (`/dev/ptp0`); else null. */
  readonly device: string | null;
  /** Between two rounds of questions, and two readings of that clock. */
  readonly intervalMs: number;
  /** Users that ptp4l may run as. */
  readonly allowedUids: readonly number[];
}

export interface GnssPlace {
  readonly kind: 'gnss';
  /** The receiver's serial line. */
  readonly line: string;
  readonly baud: number;
  /** Device of its pulse; null where none is wired. */
  readonly pulse: string | null;
}

/** Where a source is found, told apart by the kind of source that is found so. */
export type TimeSourcePlace = PtpPlace | GnssPlace;

export interface TimeTable {
  /** By the id of a source of the time profile. */
  readonly sources: Readonly<Record<string, TimeSourcePlace>>;
  /** By an agent's name: its submissions are refused while the level of time is lower. */
  readonly requireLevel: Readonly<Record<string, TimeLevel>>;
}

export const NO_TIME_TABLE: TimeTable = { sources: {}, requireLevel: {} };

type Table = Readonly<Record<string, unknown>>;
/** A table and the file that it stands in, for the messages. */
interface Named {
  readonly name: string;
  readonly file: string;
}

const agentsMax = 4096;
/** Speeds that receivers have; a slower line does not carry what they say each second. */
const bauds = [4800, 9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600];
const baudDefault = 115_200;
const devicePathSizeMax = 4095;
/** Of sockaddr_un. */
const socketSizeMax = 107;
const intervalDefaultMs = 500;
const intervalMinMs = 20;
const intervalMaxMs = 60_000;
const uidMax = 2 ** 32 - 2;
const agentName = /^[a-z0-9][a-z0-9._-]{0,63}$/u;

/** @throws KudurruError `config-unknown-key`, `config-invalid` */
export function readTimeTable(value: unknown, file: string): TimeTable {
  const table = tableOf(value, { name: 'time', file });
  refuseUnknown(table, { name: 'time', known: ['sources', 'requireLevel'], file });
  return {
    sources: readSources(table['sources'] ?? {}, file),
    requireLevel: readLevels(table['requireLevel'] ?? {}, file),
  };
}

function readSources(value: unknown, file: string): TimeTable['sources'] {
  const table = tableOf(value, { name: 'time.sources', file });
  return Object.fromEntries(
    Object.entries(table).map(([id, place]) => [id, placeOf(id, place, file)]),
  );
}

function placeOf(id: string, value: unknown, file: string): TimeSourcePlace {
  const name = `time.sources.${id}`;
  const table = tableOf(value, { name, file });
  if (Object.hasOwn(table, 'line')) return gnssPlaceOf(table, { name, file });
  return ptpPlaceOf(table, { name, file });
}

function gnssPlaceOf(table: Table, { name, file }: Named): GnssPlace {
  refuseUnknown(table, { name, known: ['line', 'baud', 'pulse'], file });
  const { line, baud = baudDefault, pulse = null } = table;
  if (!isPath(line, devicePathSizeMax)) {
    throw invalid(file, `"${name}.line" is not an absolute path of a serial line`);
  }
  const known = bauds.find((each) => each === baud);
  if (known === undefined) throw invalid(file, `"${name}.baud" is not one of ${bauds.join(', ')}`);
  if (pulse !== null && !isPath(pulse, devicePathSizeMax)) {
    throw invalid(file, `"${name}.pulse" is not an absolute path of a pulse's device`);
  }
  return { kind: 'gnss', line, baud: known, pulse };
}

function ptpPlaceOf(table: Table, { name, file }: Named): PtpPlace {
  refuseUnknown(table, { name, known: ['socket', 'device', 'intervalMs', 'allowedUids'], file });
  const { socket, device = null, intervalMs = intervalDefaultMs, allowedUids = [0] } = table;
  if (!isPath(socket, socketSizeMax)) {
    throw invalid(file, `"${name}.socket" is not an absolute path of a socket`);
  }
  if (device !== null && !isPath(device, devicePathSizeMax)) {
    throw invalid(file, `"${name}.device" is not an absolute path of a clock's device`);
  }
  if (!isWhole(intervalMs, intervalMinMs, intervalMaxMs)) {
    throw invalid(file, `"${name}.intervalMs" is not ${intervalMinMs} to ${intervalMaxMs}`);
  }
  const isList = Array.isArray(allowedUids) && allowedUids.length > 0;
  if (!isList || !allowedUids.every((uid) => isWhole(uid, 0, uidMax))) {
    throw invalid(file, `"${name}.allowedUids" is not a list of user numbers`);
  }
  return { kind: 'ptp', socket, device, intervalMs, allowedUids };
}

function isPath(value: unknown, sizeMax: number): value is string {
  if (typeof value !== 'string' || !value.startsWith('/') || value.includes('\0')) return false;
  return value.length <= sizeMax;
}

function isWhole(value: unknown, min: number, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

function readLevels(value: unknown, file: string): TimeTable['requireLevel'] {
  const table = tableOf(value, { name: 'time.requireLevel', file });
  const names = Object.keys(table);
  if (names.length > agentsMax) {
    throw invalid(file, `"time.requireLevel" names more than ${agentsMax} agents`);
  }
  return Object.fromEntries(names.map((name) => [name, levelOf(name, table[name], file)]));
}

function levelOf(name: string, value: unknown, file: string): TimeLevel {
  if (!agentName.test(name)) {
    throw invalid(file, `"time.requireLevel.${name}" is not the name of an agent`);
  }
  const level = TIME_LEVELS.find((known) => known === value);
  if (level !== undefined) return level;
  throw invalid(
    file,
    `"time.requireLevel.${name}" is ${JSON.stringify(value)}, not one of ${TIME_LEVELS.join(', ')}`,
  );
}

function refuseUnknown(
  table: Table,
  { name, known, file }: Named & { readonly known: readonly string[] },
): void {
  const unknown = Object.keys(table).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw new KudurruError(
    'config-unknown-key',
    `key "${name}.${unknown}" in "${file}" is not a setting: known are ${known.join(', ')}`,
  );
}

function tableOf(value: unknown, { name, file }: Named): Table {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Table;
  throw invalid(file, `"${name}" is not a table`);
}

function invalid(file: string, what: string): KudurruError {
  return new KudurruError('config-invalid', `settings not accepted: ${what}, in "${file}"`);
}
