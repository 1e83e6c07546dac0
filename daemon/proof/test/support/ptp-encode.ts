/** Answers of a ptp4l as bytes, for tests: the data sets that a PTP source is judged by. */
import { concatBytes, decodeHex } from '../../src/bytes.ts';
import { PTP_MANAGEMENT_IDS } from '../../src/time/ptp-management-ids.ts';
import type { PtpManagementName } from '../../src/time/ptp-management-ids.ts';
import { GRANDMASTER, LOCAL_CLOCK } from './time-profiles.ts';

/** What a ptp4l believes at one moment. */
export interface PtpState {
  readonly offsetNs: bigint;
  readonly ingressNs: bigint;
  readonly delayNs: bigint;
  readonly portState: number;
  readonly delayResponses: bigint;
  readonly grandmaster: string;
  readonly isPresent: boolean;
  readonly clockClass: number;
  readonly clockAccuracy: number;
  readonly utcOffset: number;
  /** Of TIME_PROPERTIES_DATA_SET. */
  readonly flags: number;
  readonly timeSource: number;
}

const FLAGS = 0x3c; // UTC offset valid, PTP time scale, time and frequency traceable

/** A ptp4l that is locked to the pinned grandmaster. */
export const LOCKED_STATE: PtpState = {
  offsetNs: 0n,
  ingressNs: 1n,
  delayNs: 20_000n,
  portState: 9,
  delayResponses: 100n,
  grandmaster: GRANDMASTER,
  isPresent: true,
  clockClass: 6,
  clockAccuracy: 0x21,
  utcOffset: 37,
  flags: FLAGS,
  timeSource: 0x20,
};

const PORT = concatBytes(decodeHex(LOCAL_CLOCK), Uint8Array.of(0, 1));
const SCALE = 65_536n;

/** The answers to one round of questions. */
export function ptpAnswers(state: PtpState): Uint8Array[] {
  const quality = Uint8Array.of(state.clockClass, state.clockAccuracy, 0x4e, 0x5d);
  const identity = decodeHex(state.grandmaster);
  return [
    answer('PORT_DATA_SET', 0, portDataSet(state)),
    answer('TIME_STATUS_NP', 0, [
      ...[i64(state.offsetNs), i64(state.ingressNs), new Uint8Array(22)],
      ...[Uint8Array.of(0, 0, 0, state.isPresent ? 1 : 0), identity],
    ]),
    answer('CURRENT_DATA_SET', 0, [
      Uint8Array.of(0, 1),
      ...[i64(state.offsetNs * SCALE), i64(state.delayNs * SCALE)],
    ]),
    answer('PARENT_DATA_SET', 0, [
      ...[identity, Uint8Array.of(0, 1), new Uint8Array(2), Uint8Array.of(0xff, 0xff)],
      ...[new Uint8Array(4), Uint8Array.of(10), quality, Uint8Array.of(128), identity],
    ]),
    answer('TIME_PROPERTIES_DATA_SET', 0, [
      Uint8Array.of(0, state.utcOffset, state.flags, state.timeSource),
    ]),
    answer('PORT_STATS_NP', 1, [
      ...[PORT, new Uint8Array(9 * 8), littleEndian(state.delayResponses)],
      new Uint8Array(6 * 8 + 16 * 8),
    ]),
  ];
}

/** A RESPONSE of our own clock; `change` makes one thing of it wrong. */
export function answer(
  name: PtpManagementName,
  port: number,
  data: readonly Uint8Array[],
): Uint8Array {
  const body = concatBytes(...data);
  const bytes = new Uint8Array(54 + body.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x0d, 0x02]);
  view.setUint16(2, bytes.length);
  bytes.set(decodeHex(LOCAL_CLOCK), 20);
  view.setUint16(28, port);
  bytes.set([4, 0x7f], 32);
  view.setUint8(46, 2);
  view.setUint16(48, 1);
  view.setUint16(50, 2 + body.length);
  view.setUint16(52, PTP_MANAGEMENT_IDS[name].id);
  bytes.set(body, 54);
  return bytes;
}

function portDataSet({ portState }: PtpState): Uint8Array[] {
  return [PORT, Uint8Array.of(portState, 0), new Uint8Array(8), Uint8Array.of(0, 3, 0, 1, 0, 2)];
}

function i64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, value);
  return bytes;
}

function littleEndian(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}
