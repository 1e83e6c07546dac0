import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import { decodeHex, encodeHex } from '../../src/bytes.ts';
import { ProofError } from '../../src/proof-error.ts';
import { PTP_MANAGEMENT_IDS } from '../../src/time/ptp-management-ids.ts';
import type { PtpManagementName } from '../../src/time/ptp-management-ids.ts';
import {
  decodePtpManagement,
  encodePtpGet,
  encodePtpSubscribe,
  PTP_ALL_PORTS,
  PTP_EVENTS,
} from '../../src/time/ptp-management.ts';
import type { PtpDataSet, PtpEvent, PtpManagementMessage } from '../../src/time/ptp-management.ts';
import { linesOf, pmcLines } from '../support/pmc-text.ts';
import { testdataPath } from '../support/vectors.ts';

/** Captured from stock ptp4l and pmc of linuxptp 3.1.1. */
interface Captured {
  readonly dir: 'request' | 'response' | 'push' | 'pmc-text';
  readonly cmd?: string;
  readonly hex: string;
  /** What pmc printed of the response, or the state that a push tells of. */
  readonly text?: string;
}

const files = readdirSync(testdataPath('ptp')).filter((file) => file.endsWith('.jsonl'));
const captured = new Map(files.map((file) => [file, linesIn(file)]));

/** Requests of the capture that are broken on purpose, and why they are refused. */
const BROKEN: Readonly<Record<string, RegExp>> = {
  'GET version 1': /PTP version 1/,
  'bad length field': /says it has 30 bytes, and has 54/,
  'truncated 20 bytes': /says it has 54 bytes, and has 20/,
  'tlv length too long': /TLV of 400 bytes/,
};

describe('ptp-management', () => {
  for (const [file, lines] of captured) {
    it(`${file}: every data set decodes to what pmc printed`, () => {
      const printed = lines.filter(({ dir }) => dir === 'pmc-text');
      for (const { cmd = '', text = '' } of printed) {
        const response = lines.find((line) => line.dir === 'response' && line.cmd === cmd);
        assert.ok(response, cmd);
        const { action, body } = decodePtpManagement(decodeHex(response.hex));
        assert.equal(action, 'RESPONSE');
        assert.ok(body.type === 'data' && body.dataSet !== null, cmd);
        assert.equal(`GET ${body.dataSet.name}`, cmd);
        assert.deepEqual(linesOf(body.dataSet), pmcLines(text), cmd);
      }
    });

    it(`${file}: every datagram decodes, or was sent to be refused`, () => {
      for (const { dir, cmd = '', hex } of lines) {
        const problem = dir === 'request' ? BROKEN[cmd] : undefined;
        if (dir === 'pmc-text') continue;
        if (problem === undefined) decodePtpManagement(decodeHex(hex));
        else assert.throws(() => decodePtpManagement(decodeHex(hex)), problem);
      }
    });
  }

  it('the capture holds every data set that 3.1.1 gives of a locked clock', () => {
    const names = (captured.get('01-locked-class6.jsonl') ?? []).flatMap(({ dir, cmd = '' }) =>
      dir === 'pmc-text' ? [cmd.slice('GET '.length)] : [],
    );
    assert.deepEqual(names, [
      ...['DEFAULT_DATA_SET', 'CURRENT_DATA_SET', 'PARENT_DATA_SET', 'TIME_PROPERTIES_DATA_SET'],
      ...['TIME_STATUS_NP', 'PORT_DATA_SET', 'PORT_DATA_SET_NP', 'PORT_STATS_NP'],
      'PORT_PROPERTIES_NP',
    ]);
  });

  it('pushes tell the state of a port', () => {
    const pushes = (captured.get('20-subscribe-events.jsonl') ?? []).filter(({ text }) => text);
    assert.ok(pushes.length > 0);
    for (const { hex, text } of pushes) {
      const set = dataSetOf(decodePtpManagement(decodeHex(hex)));
      assert.ok(set.name === 'PORT_DATA_SET');
      assert.equal(set.portState, text);
    }
  });

  it('errors name what was asked for', () => {
    const of = (cmd: string): unknown => {
      const lines = captured.get('41-raw-errors.jsonl') ?? [];
      const response = lines.find((line) => line.dir === 'response' && line.cmd === cmd);
      return decodePtpManagement(decodeHex(response?.hex ?? '')).body;
    };
    const error = { type: 'error', errorId: 6, error: 'NOT_SUPPORTED' };
    assert.deepEqual(of('SET TIME_STATUS_NP'), { ...error, managementId: 0xc000 });
    assert.deepEqual(of('GET unknown 0x1234'), {
      ...{ type: 'error', errorId: 2, error: 'NO_SUCH_ID', managementId: 0x1234 },
    });
    assert.deepEqual(of('GET PORT 7 (absent)'), {
      ...{ type: 'error', errorId: 4, error: 'WRONG_VALUE', managementId: 0x2004 },
    });
  });

  it('a GET without data is the one that ptp4l answered', () => {
    const request = (captured.get('41-raw-errors.jsonl') ?? []).find(
      ({ dir, cmd }) => dir === 'request' && cmd === 'GET PORT_DATA_SET all ports',
    );
    const source = { clockIdentity: '0102030405060708', portNumber: 0x4242 };
    const bytes = encodePtpGet({ domainNumber: 0, source, sequenceId: 1 }, 'PORT_DATA_SET');
    assert.equal(encodeHex(bytes), request?.hex);
  });

  it('what is written is read back', () => {
    const names = Object.keys(PTP_MANAGEMENT_IDS) as PtpManagementName[];
    const heads = fc.record({
      domainNumber: fc.nat(255),
      transportSpecific: fc.nat(15),
      source: portIdentities(),
      target: portIdentities(),
      sequenceId: fc.nat(65_535),
    });
    const events = Object.keys(PTP_EVENTS) as PtpEvent[];
    fc.assert(
      fc.property(heads, fc.constantFrom(...names), (head, name) => {
        const message = decodePtpManagement(encodePtpGet(head, name));
        const { source, target, ...others } = head;
        assertHead(message, { ...others, sourcePortIdentity: source, targetPortIdentity: target });
        assert.equal(message.action, 'GET');
        const managementId = PTP_MANAGEMENT_IDS[name].id;
        assert.deepEqual(message.body, { type: 'data', managementId, dataSet: null });
      }),
    );
    fc.assert(
      fc.property(heads, fc.nat(65_535), fc.subarray(events), (head, durationSeconds, wanted) => {
        const message = decodePtpManagement(
          encodePtpSubscribe(head, { durationSeconds, events: wanted }),
        );
        assert.equal(message.action, 'SET');
        const set = dataSetOf(message);
        assert.ok(set.name === 'SUBSCRIBE_EVENTS_NP');
        assert.equal(set.durationSeconds, durationSeconds);
        const bits = wanted.reduce((sum, event) => sum | (1 << PTP_EVENTS[event]), 0);
        assert.deepEqual([...set.bitmask], [bits, ...Array<number>(63).fill(0)]);
      }),
    );
  });

  it('nothing but a GET or a subscription can be written, and never with boundary hops', () => {
    const head = { domainNumber: 0, source: PTP_ALL_PORTS, sequenceId: 0 };
    for (const name of Object.keys(PTP_MANAGEMENT_IDS) as PtpManagementName[]) {
      const bytes = encodePtpGet(head, name);
      assert.deepEqual([...bytes.subarray(44, 47)], [0, 0, 0]);
    }
    const bytes = encodePtpSubscribe(head, { durationSeconds: 60, events: ['portState'] });
    assert.deepEqual([...bytes.subarray(44, 47)], [0, 0, 1]);
    assert.equal(encodeHex(bytes.subarray(52, 54)), 'c003');
    const wrong = { ...head, sequenceId: 65_536 };
    assert.throws(() => encodePtpGet(wrong, 'PRIORITY1'), { code: 'ptp-malformed' });
    const source = { clockIdentity: '00', portNumber: 1 };
    assert.throws(() => encodePtpGet({ ...head, source }, 'PRIORITY1'), { code: 'ptp-malformed' });
  });

  it('a byte less or more is refused, whatever the data set', () => {
    for (const { dir, hex } of captured.get('01-locked-class6.jsonl') ?? []) {
      if (dir !== 'response') continue;
      for (const change of [-2, -1, 1, 2]) {
        const bytes = resized(decodeHex(hex), change);
        assert.throws(() => decodePtpManagement(bytes), { code: 'ptp-malformed' });
      }
    }
  });

  it('any bytes decode or throw ProofError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(0xffff), (data, managementId) => {
        const bytes = responseWith(managementId, data);
        try {
          const { body } = decodePtpManagement(bytes);
          assert.equal(body.managementId, managementId);
        } catch (error) {
          assert.ok(error instanceof ProofError && error.code === 'ptp-malformed');
        }
      }),
    );
  });
});

describe('ptp-management, data sets of linuxptp 4', () => {
  const port = '0102030405060708' + '0001';
  const portIdentity = { clockIdentity: '0102030405060708', portNumber: 1 };

  it('PORT_SERVICE_STATS_NP: counters in little-endian order', () => {
    const counters = Array.from({ length: 10 }, (_, n) => `0${n}`.padEnd(16, '0')).join('');
    assert.deepEqual(decoded(0xc007, port + counters), {
      name: 'PORT_SERVICE_STATS_NP',
      portIdentity,
      ...{ announceTimeouts: 0n, syncTimeouts: 1n, delayTimeouts: 2n, unicastServiceTimeouts: 3n },
      ...{ unicastRequestTimeouts: 4n, masterAnnounceTimeouts: 5n, masterSyncTimeouts: 6n },
      ...{ qualificationTimeouts: 7n, syncMismatches: 8n, followUpMismatches: 9n },
    });
  });

  it('UNICAST_MASTER_TABLE_NP: the other masters', () => {
    const master = `${port}06214e5d` + '01038064' + '00010004' + '0a630001';
    assert.deepEqual(decoded(0xc008, `0001${master}`), {
      name: 'UNICAST_MASTER_TABLE_NP',
      masters: [
        {
          portIdentity,
          clockQuality: { clockClass: 6, clockAccuracy: 0x21, offsetScaledLogVariance: 0x4e5d },
          ...{ selected: true, state: 'HAVE_SYDY', priority1: 128, priority2: 100 },
          ...{ networkProtocol: 1, address: decodeHex('0a630001') },
        },
      ],
    });
    assert.throws(() => decoded(0xc008, `0002${master}`), /cut off/);
    assert.throws(() => decoded(0xc008, '0041'), /65 unicast masters/);
  });

  it('PORT_HWCLOCK_NP, POWER_PROFILE_SETTINGS_NP, CMLDS_INFO_NP, corrections', () => {
    assert.deepEqual(decoded(0xc009, `${port}ffffffff0100`), {
      ...{ name: 'PORT_HWCLOCK_NP', portIdentity, phcIndex: -1, virtualClock: true },
    });
    assert.deepEqual(decoded(0xc00a, '000200030000003200000064ffffffff'), {
      name: 'POWER_PROFILE_SETTINGS_NP',
      ...{ version: 2, grandmasterId: 3, grandmasterTimeInaccuracyNs: 50 },
      ...{ networkTimeInaccuracyNs: 100, totalTimeInaccuracyNs: 0xffff_ffff },
    });
    assert.deepEqual(decoded(0xc00b, '0000000000010000fffffffe00000001'), {
      name: 'CMLDS_INFO_NP',
      ...{ meanLinkDelayScaledNs: 65_536n, scaledNeighborRateRatio: -2, asCapable: true },
    });
    assert.deepEqual(decoded(0xc00c, '0000000000000001ffffffffffffffff0000000000000002'), {
      name: 'PORT_CORRECTIONS_NP',
      ...{ egressLatencyScaledNs: 1n, ingressLatencyScaledNs: -1n, delayAsymmetryScaledNs: 2n },
    });
    assert.deepEqual(decoded(0xc00d, '01020304050607080002'), {
      name: 'EXTERNAL_GRANDMASTER_PROPERTIES_NP',
      ...{ gmIdentity: '0102030405060708', stepsRemoved: 2 },
    });
  });

  it('alternate time offsets, and texts padded to an even length', () => {
    assert.deepEqual(decoded(0x2021, '01ffffffff000000010000000000ff00'), {
      name: 'ALTERNATE_TIME_OFFSET_PROPERTIES',
      ...{ keyField: 1, currentOffsetSeconds: -1, jumpSeconds: 1, timeOfNextJump: 255n },
    });
    assert.deepEqual(decoded(0x201f, '01024345'), {
      ...{ name: 'ALTERNATE_TIME_OFFSET_NAME', keyField: 1, displayName: decodeHex('4345') },
    });
    assert.deepEqual(decoded(0x0002, '02434500'), {
      ...{ name: 'USER_DESCRIPTION', userDescription: decodeHex('4345') },
    });
    assert.throws(() => decoded(0x0002, '02434501'), /padding is not zero/);
  });

  it('what no data set is named for is kept as bytes', () => {
    assert.deepEqual(decoded(0xdead, '0102'), { name: 'UNKNOWN', bytes: decodeHex('0102') });
  });

  it('a minor version and a transport are told, not judged', () => {
    const bytes = responseWith(0x2005, decodeHex('8000'));
    bytes[0] = 0x1d;
    bytes[1] = 0x12;
    const { minorVersion, transportSpecific } = decodePtpManagement(bytes);
    assert.deepEqual([minorVersion, transportSpecific], [1, 1]);
  });
});

function linesIn(file: string): Captured[] {
  const text = readFileSync(testdataPath(`ptp/${file}`), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Captured);
}

function dataSetOf({ body }: PtpManagementMessage): PtpDataSet {
  assert.ok(body.type === 'data' && body.dataSet !== null);
  return body.dataSet;
}

function decoded(managementId: number, hex: string): PtpDataSet {
  return dataSetOf(decodePtpManagement(responseWith(managementId, decodeHex(hex))));
}

function responseWith(managementId: number, data: Uint8Array): Uint8Array {
  const source = PTP_ALL_PORTS;
  const get = encodePtpGet({ domainNumber: 0, source, sequenceId: 7 }, 'NULL_MANAGEMENT');
  const bytes = Uint8Array.from([...get, ...data]);
  const view = new DataView(bytes.buffer);
  view.setUint16(2, bytes.length);
  view.setUint8(46, 2);
  view.setUint16(50, 2 + data.length);
  view.setUint16(52, managementId);
  return bytes;
}

/** With as many bytes of the data set more or less, and with lengths that say so. */
function resized(bytes: Uint8Array, change: number): Uint8Array {
  const made = new Uint8Array(bytes.length + change);
  made.set(bytes.subarray(0, made.length));
  const view = new DataView(made.buffer);
  view.setUint16(2, made.length);
  view.setUint16(50, view.getUint16(50) + change);
  return made;
}

function portIdentities(): fc.Arbitrary<{ clockIdentity: string; portNumber: number }> {
  const clockIdentity = fc.uint8Array({ minLength: 8, maxLength: 8 }).map(encodeHex);
  return fc.record({ clockIdentity, portNumber: fc.nat(65_535) }, { noNullPrototype: true });
}

function assertHead(message: PtpManagementMessage, expected: Partial<PtpManagementMessage>): void {
  for (const [name, value] of Object.entries(expected)) {
    assert.deepEqual(message[name as keyof PtpManagementMessage], value, name);
  }
  assert.deepEqual([message.boundaryHops, message.startingBoundaryHops], [0, 0]);
}
