import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';

import { decodeTimeNote, type TimeProfile, type TimeRecord } from '@kudurru/proof';

import { openLog } from '../../src/base/log.ts';
import { startTimeSources } from '../../src/compose/time-sources.ts';
import type { TimeTable } from '../../src/config/time-table.ts';
import {
  GNSS_SOURCE,
  PROFILE,
  PTP_PINS,
  PTP_SOURCE,
} from '../../proof/test/support/time-profiles.ts';

const roof = { kind: 'gnss', line: '/nonexistent/gnss', baud: 9600, pulse: null } as const;
const gm = {
  kind: 'ptp',
  socket: '/nonexistent/ptp4l',
  device: null,
  intervalMs: 500,
  allowedUids: [0],
} as const;

describe('sources of time', function () {
  // Each starts processes, on a machine that may be busy.
  this.timeout(120_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-sources-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  /** What is told at once, and the note that its processes say first. */
  async function told(
    sources: TimeTable['sources'],
    profile: TimeProfile = PROFILE,
  ): Promise<readonly (readonly [string, unknown])[]> {
    const lines: (readonly [string, unknown])[] = [];
    const log = openLog({
      level: 'warning',
      write: (line) => {
        const { what, id } = JSON.parse(line) as Record<string, string>;
        lines.push([what ?? '', id]);
      },
    });
    const { promise: heard, resolve } = Promise.withResolvers<TimeRecord>();
    const keeper = {
      hear: (_: number, record: TimeRecord): null => {
        resolve(record);
        return null;
      },
      lost: () => assert.fail('a process has ended'),
    };
    const configuration = { state: folder, time: { sources, requireLevel: {} } };
    const started = startTimeSources(profile, { configuration, keeper, log });
    if (started.length > 0) {
      const { kind, bytes } = await heard;
      assert.equal(kind, 'note');
      lines.push(['first', decodeTimeNote(bytes).code]);
    }
    for (const source of started) await source.stop();
    return lines;
  }

  it('are read by what their kind needs, where the configuration has it', async () => {
    const missing = 'source of time not configured here';
    const none = [
      [missing, 'ptp'],
      [missing, 'roof'],
    ];
    assert.deepEqual(await told({}), none);
    assert.deepEqual(await told({ ptp: roof, roof: gm }), none);
    assert.deepEqual(await told({ roof }), [
      [missing, 'ptp'],
      ['first', 'unplugged'],
    ]);
    assert.deepEqual(await told({ ptp: gm, other: gm }), [
      ['no such source in the time profile', 'other'],
      [missing, 'roof'],
      ['first', 'socket-gone'],
    ]);
  });

  it('are two where ptp4l sets the clock of a network card', async () => {
    const pins = { ...PTP_PINS, clock: 'phc' } as const;
    const profile = { ...PROFILE, sources: [{ ...PTP_SOURCE, kind: 'ptp', pins } as const] };
    assert.deepEqual(await told({ ptp: gm }, profile), [
      ['source of time without the device of its clock', 'ptp'],
      ['first', 'socket-gone'],
    ]);
    const [[first, code] = [], ...more] = await told(
      { ptp: { ...gm, device: '/dev/null' } },
      profile,
    );
    assert.deepEqual([first, more], ['first', []]);
    assert(code === 'socket-gone' || code === 'unplugged');
  });

  it('are told of a pulse that profile and configuration do not agree on', async () => {
    const profile = (pulse: boolean): TimeProfile => {
      const { pins } = GNSS_SOURCE;
      assert(GNSS_SOURCE.kind === 'gnss' && 'pulse' in pins);
      return { ...PROFILE, sources: [{ ...GNSS_SOURCE, pins: { ...pins, pulse } }] };
    };
    const wired = { roof: { ...roof, pulse: '/nonexistent/pps0' } };
    const isHeard = ['first', 'unplugged'];
    assert.deepEqual(await told(wired, profile(true)), [isHeard]);
    assert.deepEqual(await told({ roof }, profile(true)), [
      ['pulse of the time profile not configured here', 'roof'],
      isHeard,
    ]);
    assert.deepEqual(await told(wired, profile(false)), [
      ['pulse not read: not in the time profile', 'roof'],
      isHeard,
    ]);
  });
});
