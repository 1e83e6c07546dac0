import assert from 'node:assert/strict';
import type { Datagram } from '@kudurru/native';
import { encodePtpGet, PTP_ALL_PORTS } from '@kudurru/proof';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import { judge } from '../src/acceptance.ts';
import type { Circumstances, RejectionReason } from '../src/acceptance.ts';

const local = { clockIdentity: '020000fffe000c0c', portNumber: 0 };
const self = { clockIdentity: '0102030405060708', portNumber: 0x4242 };
const serverPath = '/run/ptp4l';
const sequenceId = 7;
const PRIORITY1 = 0x2005;
const PORT_DATA_SET = 0x2004;

interface Said {
  readonly source: typeof local;
  readonly target: typeof local;
  readonly sequenceId: number;
  readonly action: number;
  readonly managementId: number;
  readonly domainNumber: number;
  readonly data: readonly number[];
}

const answer: Said = {
  ...{ source: local, target: self, sequenceId, action: 2, managementId: PRIORITY1 },
  ...{ domainNumber: 0, data: [128, 0] },
};

const circumstances: Circumstances = {
  allowedUids: [0],
  isServerPath: (path) => path === serverPath,
  ...{ domainNumber: 0, transportSpecific: 0, self, clockIdentity: local.clockIdentity },
  questions: new Map([[sequenceId, { name: 'PRIORITY1', answered: new Set<number>() }]]),
  ...{ over: new Set([6]), pushed: new Set<number>() },
};

describe('acceptance', () => {
  it('takes the answer to what was asked', () => {
    const judgement = judge(datagramOf(answer), circumstances);
    assert.equal(judgement.accepted, 'reply');
  });

  const lies: readonly (readonly [string, Partial<Said>, RejectionReason])[] = [
    ['another clock, though it knows us and the sequence', { source: self }, 'clock'],
    ['everybody as its target', { target: PTP_ALL_PORTS }, 'target'],
    ['another port of us as its target', { target: { ...self, portNumber: 1 } }, 'target'],
    ['a sequence that was not asked', { sequenceId: 8 }, 'sequence'],
    ['a sequence that is over', { sequenceId: 6 }, 'late'],
    ['another data set', { managementId: 0x2006 }, 'management-id'],
    ['another domain', { domainNumber: 1 }, 'domain'],
    ['a SET', { action: 1 }, 'action'],
    ['an ACKNOWLEDGE', { action: 4 }, 'action'],
    ['too much data', { data: [128, 0, 0, 0] }, 'malformed'],
    ['an event that was not subscribed to', pushOf(8), 'sequence'],
  ];
  for (const [name, changed, reason] of lies) {
    it(`rejects ${name}`, () => {
      assert.equal(reasonOf(datagramOf({ ...answer, ...changed }), circumstances), reason);
    });
  }

  it('rejects what the kernel does not say is of ptp4l', () => {
    const datagram = datagramOf(answer);
    const of = (changed: Partial<Datagram>): RejectionReason | null =>
      reasonOf({ ...datagram, ...changed }, circumstances);
    assert.equal(of({ sender: null }), 'sender');
    assert.equal(of({ sender: { pid: 9, uid: 1000, gid: 0 } }), 'sender');
    assert.equal(of({ from: '' }), 'path');
    assert.equal(of({ from: '/tmp/ptp4l' }), 'path');
    assert.equal(of({ truncated: true }), 'malformed');
  });

  it('takes an answer of each port once', () => {
    const answered = new Set([1]);
    const questions = new Map([[sequenceId, { name: 'PORT_DATA_SET' as const, answered }]]);
    const of = (portNumber: number): RejectionReason | null =>
      reasonOf(datagramOf({ ...answer, ...pushOf(sequenceId), source: { ...local, portNumber } }), {
        ...circumstances,
        questions,
      });
    assert.equal(of(1), 'duplicate');
    assert.equal(of(2), null);
  });

  it('takes events that were subscribed to, from the local clock alone', () => {
    const subscribed = { ...circumstances, pushed: new Set([PORT_DATA_SET]) };
    const push = { ...answer, ...pushOf(0) };
    assert.equal(judge(datagramOf(push), subscribed).accepted, 'push');
    assert.equal(reasonOf(datagramOf({ ...push, source: self }), subscribed), 'clock');
    assert.equal(reasonOf(datagramOf({ ...push, target: PTP_ALL_PORTS }), subscribed), 'target');
  });

  it('while the clock is learned, takes the first that answers the question', () => {
    const learning = { ...circumstances, clockIdentity: null };
    assert.equal(reasonOf(datagramOf({ ...answer, source: self }), learning), null);
    assert.equal(reasonOf(datagramOf({ ...answer, sequenceId: 8 }), learning), 'sequence');
  });

  it('no changed head of an answer is accepted, but where it says nothing', () => {
    const datagram = datagramOf(answer);
    // Reserved, flags, correction, control, interval, hops, and the minor version.
    const silent = new Set([...range(5, 20), 32, 33, 44, 45, 47]);
    fc.assert(
      fc.property(fc.nat(53), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = Uint8Array.from(datagram.bytes, (byte, i) =>
          i === at ? byte ^ change : byte,
        );
        const isSilent =
          silent.has(at) ||
          (at === 1 && (change & 0x0f) === 0) ||
          (at === 46 && (change & 0x0f) === 0) ||
          // Which port of the local clock answers is not known before.
          at === 28 ||
          at === 29;
        assert.equal(judge({ ...datagram, bytes }, circumstances).accepted !== false, isSilent);
      }),
    );
  });

  it('any bytes are judged', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        assert.equal(judge({ ...datagramOf(answer), bytes }, circumstances).accepted, false);
      }),
    );
  });
});

function reasonOf(datagram: Datagram, under: Circumstances): RejectionReason | null {
  const judgement = judge(datagram, under);
  return judgement.accepted === false ? judgement.reason : null;
}

function datagramOf(said: Said): Datagram {
  const { domainNumber, source, target } = said;
  const head = { domainNumber, source, target, sequenceId: said.sequenceId };
  const bytes = Uint8Array.from([...encodePtpGet(head, 'PRIORITY1'), ...said.data]);
  const view = new DataView(bytes.buffer);
  view.setUint16(2, bytes.length);
  view.setUint8(46, said.action);
  view.setUint16(50, 2 + said.data.length);
  view.setUint16(52, said.managementId);
  return {
    ...{ bytes, truncated: false, from: serverPath, sender: { pid: 9, uid: 0, gid: 0 } },
    ...{ rawBeforeNs: 1n, realtimeNs: 2n, rawAfterNs: 3n },
  };
}

/** A PORT_DATA_SET of port 1, LISTENING. */
function pushOf(sequence: number): Partial<Said> {
  const identity = [2, 0, 0, 0xff, 0xfe, 0, 0x0c, 0x0c, 0, 1];
  const data = [...identity, 4, 0, ...Array<number>(8).fill(0), 0, 3, 0, 1, 0, 2];
  return { managementId: PORT_DATA_SET, sequenceId: sequence, data };
}

function range(from: number, end: number): number[] {
  return Array.from({ length: end - from }, (_, i) => from + i);
}
