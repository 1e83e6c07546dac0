import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, it } from 'mocha';

import { NativeError, readRawNs } from '@kudurru/native';

import { edgeBetween, PulseEdges, type PulseLook } from '../../gnss-reader/pulse-edges.ts';

const ms = 1_000_000n;
/** CLOCK_REALTIME at the raw time 0. */
const epochNs = 1_795_348_800_000_000_000n;

interface Seen {
  readonly atNs: bigint;
  readonly edges: number;
  readonly edgeRealtimeNs: bigint;
  /** How far CLOCK_REALTIME has gone from where it was. */
  readonly setNs?: bigint;
}

/** As the native layer answers at `atNs`; its system calls are injected in clock-devices.cpp. */
function look({ atNs, edges, edgeRealtimeNs, setNs = 0n }: Seen): PulseLook {
  const realtime = {
    rawBeforeNs: atNs + 1000n,
    valueNs: epochNs + atNs + 1050n + setNs,
    rawAfterNs: atNs + 1100n,
  };
  const reading = { assertSequence: edges, assertRealtimeNs: edgeRealtimeNs, realtime };
  return { begunRawNs: atNs, reading };
}

describe('pulse edges', () => {
  it('has the edge on the raw clock, between the looks', () => {
    const edges = fc.bigInt(0n, 10n * ms);
    const steering = fc.bigInt(-500n, 500n);
    fc.assert(
      fc.property(edges, steering, (edgeRawNs, perMillion) => {
        const walked = (rawNs: bigint): bigint => rawNs + (rawNs * perMillion) / 1_000_000n;
        const edgeRealtimeNs = epochNs + walked(edgeRawNs);
        const first = look({ atNs: 0n, edges: 6, edgeRealtimeNs: epochNs - 990n * ms });
        const atNs = 10n * ms;
        const setNs = walked(atNs) - atNs;
        const edge = edgeBetween(first, look({ atNs, edges: 7, edgeRealtimeNs, setNs }));
        assert.ok(edge !== null);
        assert.equal(edge.realtimeNs, edgeRealtimeNs);
        assert.ok(edge.rawBeforeNs <= edgeRawNs && edgeRawNs <= edge.rawAfterNs);
        assert.ok(edge.rawAfterNs - edge.rawBeforeNs < 25_000n);
      }),
    );
  });

  it('knows of an edge only that it came, where the clock was set meanwhile', () => {
    const first = look({ atNs: 0n, edges: 6, edgeRealtimeNs: epochNs - 990n * ms });
    for (const setNs of [3_600_000n * ms, -3_600_000n * ms, 20_000n, -20_000n]) {
      const edgeRealtimeNs = epochNs + 5n * ms;
      const next = look({ atNs: 10n * ms, edges: 7, edgeRealtimeNs, setNs });
      assert.deepEqual(edgeBetween(first, next), {
        rawBeforeNs: 0n,
        rawAfterNs: 10n * ms + 1100n,
        realtimeNs: edgeRealtimeNs,
      });
    }
  });

  it('is none without a new edge, at the first look, and at another device', () => {
    const seen = [
      { atNs: 0n, edges: 6, edgeRealtimeNs: epochNs - 990n * ms },
      { atNs: 10n * ms, edges: 6, edgeRealtimeNs: epochNs - 990n * ms },
      { atNs: 20n * ms, edges: 1, edgeRealtimeNs: epochNs + 15n * ms },
      { atNs: 30n * ms, edges: 2, edgeRealtimeNs: epochNs + 25n * ms },
    ].map(look);
    const edges = new PulseEdges(() => seen.shift() ?? assert.fail('looked too often'));
    assert.deepEqual([edges.next(), edges.next(), edges.next()], [null, null, null]);
    assert.equal(edges.next()?.realtimeNs, epochNs + 25n * ms);
  });

  it('begins anew after a look that failed', () => {
    const edgeRealtimeNs = epochNs + 15n * ms;
    const seen: (PulseLook | null)[] = [
      look({ atNs: 0n, edges: 6, edgeRealtimeNs: epochNs }),
      null,
      look({ atNs: 20n * ms, edges: 7, edgeRealtimeNs }),
    ];
    const edges = new PulseEdges(() => seen.shift() ?? assert.fail('gone'));
    assert.equal(edges.next(), null);
    assert.throws(() => edges.next(), /gone/u);
    assert.equal(edges.next(), null);
  });

  it('says which error it was', () => {
    const isMissing = (error: unknown): boolean =>
      error instanceof NativeError && error.code === 'ENOENT';
    assert.throws(() => PulseEdges.of('/nonexistent/pps0').next(), isMissing);
  });

  // Pending where there is none.
  if (existsSync('/dev/pps0')) {
    it('reads a pulse', async () => {
      const edges = PulseEdges.of('/dev/pps0');
      let edge = edges.next();
      for (; edge === null; edge = edges.next()) await sleep(10);
      assert.ok(edge.rawBeforeNs <= edge.rawAfterNs && edge.rawAfterNs <= readRawNs());
    });
  } else {
    it('reads a pulse: no /dev/pps0 on this machine');
  }
});
