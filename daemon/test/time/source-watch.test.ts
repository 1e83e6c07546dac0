import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { decodeHex, type TimeRecord } from '@kudurru/proof';
import { describe, it } from 'mocha';

import { SAMPLES_MAX, SourceWatch } from '../../src/time/source-watch.ts';

interface Captured {
  readonly dir: string;
  readonly cmd?: string;
  readonly hex: string;
}

/** Captured from stock ptp4l. */
const file = new URL('../../proof/testdata/ptp/30-relay-symmetric.jsonl', import.meta.url);
const captured = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Captured);

function record(dataSet: string, rawNs: bigint): TimeRecord {
  const cmd = `GET ${dataSet}`;
  const found = captured.find((line) => line.dir === 'response' && line.cmd === cmd);
  assert.ok(found, cmd);
  return frame('ptp-management', { rawNs, bytes: decodeHex(found.hex) });
}

function frame(
  kind: TimeRecord['kind'],
  { rawNs, bytes }: { readonly rawNs: bigint; readonly bytes: Uint8Array },
): TimeRecord {
  return { kind, rawBeforeNs: rawNs - 1n, rawAfterNs: rawNs, clockNs: null, bytes };
}

describe('source watch', () => {
  it('knows nothing before a source has spoken', () => {
    const { process, restarts, heardRawNs, notes, samples } = new SourceWatch();
    assert.deepEqual(
      [process, restarts, heardRawNs, notes.size, samples.length],
      ['none', 0, null, 0, 0],
    );
  });

  it('keeps offset and delay of what ptp4l says of its clock, and the newest of them', () => {
    const watch = new SourceWatch();
    watch.hear(record('PARENT_DATA_SET', 5n));
    assert.equal(watch.samples.length, 0);
    const count = SAMPLES_MAX + 3;
    for (let at = 1; at <= count; at++) watch.hear(record('CURRENT_DATA_SET', BigInt(at)));
    assert.equal(watch.samples.length, SAMPLES_MAX);
    assert.equal(watch.samples.at(-1)?.rawNs, BigInt(count));
    assert.equal(watch.heardRawNs, BigInt(count));
    const [{ offsetNs, delayNs } = assert.fail('no sample')] = watch.samples;
    const text = captured.find(
      ({ dir, cmd }) => dir === 'pmc-text' && cmd?.endsWith('CURRENT_DATA_SET'),
    );
    assert.ok(text !== undefined);
    const printed = JSON.stringify(text);
    const value = (name: string): number =>
      Number(new RegExp(`${name}\\s+(-?[0-9.]+)`, 'u').exec(printed)?.[1]);
    assert.equal(Number(offsetNs), Math.floor(value('offsetFromMaster')));
    assert.equal(Number(delayNs), Math.floor(value('meanPathDelay')));
  });

  it('passes what is no message', () => {
    const watch = new SourceWatch();
    watch.hear(frame('ptp-management', { rawNs: 7n, bytes: new Uint8Array([1, 2, 3]) }));
    watch.hear(frame('nmea', { rawNs: 8n, bytes: new Uint8Array() }));
    assert.deepEqual([watch.samples.length, watch.heardRawNs], [0, 8n]);
  });

  it('tells a process that ended, and one that runs again', () => {
    const watch = new SourceWatch();
    watch.hear(frame('note', { rawNs: 1n, bytes: new Uint8Array() }));
    watch.noted('started');
    assert.deepEqual([watch.process, watch.heardRawNs], ['running', null]);
    watch.lost();
    watch.lost();
    assert.deepEqual([watch.process, watch.restarts], ['restarting', 2]);
    watch.hear(frame('note', { rawNs: 2n, bytes: new Uint8Array() }));
    watch.noted('started');
    assert.equal(watch.process, 'running');
    assert.deepEqual([...watch.notes], [['started', 2]]);
  });
});
