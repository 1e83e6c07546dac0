import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { FsckScan } from '@kudurru/native';
import { parseCheckpoint } from '@kudurru/proof';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';

import { makeStoppedLedger } from '../../../../hwtest/scenarios/byte-flips.ts';
import { checkFolder, type CheckOptions, type Checked } from '../../../cli/fsck/check.ts';
import { PortableScan } from '../../../cli/fsck/portable/scan.ts';
import { readResumeFile, writeResumeFile } from '../../../cli/fsck/resume-file.ts';

const program = fileURLToPath(new URL('../../../cli/kudurru.ts', import.meta.url));
const HEADER_BYTES = 4096;
const RECORD_HEADER_BYTES = 40;
const SECTOR_BYTES = 512;
const GROUP = 1;

const scans: Readonly<Record<string, CheckOptions['begin']>> = {
  native: (at, options) => new FsckScan(at, options),
  portable: (at, options) => new PortableScan(at, options),
};

describe('the check of a folder', function () {
  this.timeout(120_000);
  let scratch: string;
  let whole: string;
  let copy: string;

  before(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'kudurru-fsck-'));
    whole = join(scratch, 'whole');
    copy = join(scratch, 'copy');
    await makeStoppedLedger(whole);
  });
  after(() => rmSync(scratch, { recursive: true }));
  beforeEach(() => cpSync(whole, copy, { recursive: true }));
  afterEach(() => rmSync(copy, { recursive: true }));

  function check(options: Partial<CheckOptions> = {}): Promise<Checked> {
    const base = { from: 0n, bodies: true, signatures: true, repairsTiles: false } as const;
    const begin = scans['portable'] as CheckOptions['begin'];
    return checkFolder({ folder: copy, ...base, index: 'digests', begin, ...options });
  }

  const newestSegment = (): string => {
    const names = readdirSync(join(copy, 'journal')).filter((name) => /^\d+\.j/u.test(name));
    return join(copy, 'journal', names.toSorted().at(-1) ?? '');
  };

  /** Where the last group begins that is longer than two sectors. */
  function lastLongGroup(bytes: Buffer): number {
    let found = -1;
    for (let at = HEADER_BYTES; bytes.readUInt32BE(at) !== 0;) {
      const length = RECORD_HEADER_BYTES + bytes.readUInt32BE(at + 8);
      if (bytes[at + 4] === GROUP && length > 3 * SECTOR_BYTES) found = at;
      at += Math.ceil(length / 8) * 8;
    }
    return found;
  }

  /** The last group as a crash leaves it: only its first sectors reached the disk. */
  function tear(sectors: number): { readonly at: number; readonly written: number } {
    const bytes = readFileSync(newestSegment());
    const at = lastLongGroup(bytes);
    const cut = (Math.floor(at / SECTOR_BYTES) + sectors) * SECTOR_BYTES;
    const left = bytes.fill(0, cut);
    writeFileSync(newestSegment(), left);
    let end = cut;
    while (left[end - 1] === 0) end--;
    return { at, written: end - at };
  }

  /** Nobody was told of what the journal lost. */
  function unpublish(): void {
    for (const name of ['checkpoint', 'tile', 'lookup', 'snapshot', 'index']) {
      rmSync(join(copy, name), { recursive: true, force: true });
    }
  }

  for (const [name, begin] of Object.entries(scans)) {
    it(`takes a record that lacks sectors for a torn tail, no damage: ${name}`, async () => {
      unpublish();
      for (const sectors of [2, 1]) {
        const { at, written } = tear(sectors);
        const { report, findings } = await check({ begin });
        assert.deepEqual(findings.list, []);
        assert.equal(report.tornBytes, BigInt(written));
        assert.equal(report.end.offset, BigInt(at));
        assert.equal(report.stoppedCleanly, false);
        assert.equal(report.isComplete, true);
        assert.ok(report.size > 0n);
      }
    });

    it(`takes no torn tail where something whole follows it: ${name}`, async () => {
      unpublish();
      const bytes = readFileSync(newestSegment());
      const at = lastLongGroup(bytes);
      writeFileSync(newestSegment(), bytes.fill(0, at + SECTOR_BYTES, at + 2 * SECTOR_BYTES));
      const { report, findings } = await check({ begin });
      assert.equal(report.tornBytes, 0n);
      assert.ok(findings.damages > 0n);
      assert.ok(
        findings.list.some(
          ({ code, offset }) => code === 'record-damaged' && offset === BigInt(at),
        ),
      );
    });

    it(`takes no torn tail where no sector is missing: ${name}`, async () => {
      unpublish();
      const { at, written } = tear(2);
      const bytes = readFileSync(newestSegment());
      const length = bytes.readUInt32BE(at + 8) + RECORD_HEADER_BYTES;
      // The sectors came, with other bytes than were written.
      writeFileSync(newestSegment(), bytes.fill(0x55, at + written, at + length));
      const { report, findings } = await check({ begin });
      assert.equal(report.tornBytes, 0n);
      assert.deepEqual(
        findings.list.map(({ code, offset }) => [code, offset]),
        [['record-damaged', BigInt(at)]],
      );
    });

    it(`says that entries were lost which were published: ${name}`, async () => {
      const published = parseCheckpoint(readFileSync(join(copy, 'checkpoint'))).size;
      tear(2);
      const torn = await check({ begin });
      assert.ok(torn.report.tornBytes > 0n && torn.report.recovered > 0n);
      const bytes = readFileSync(newestSegment());
      writeFileSync(newestSegment(), bytes.fill(0, lastLongGroup(bytes)));
      const cut = await check({ begin });
      assert.equal(cut.report.tornBytes, 0n);
      for (const { findings, report } of [torn, cut]) {
        assert.deepEqual(
          findings.list.map(({ code, file, message }) => [code, file, message]),
          [
            [
              'entries-lost',
              'checkpoint',
              `${published} entries were published, and ${report.size} are whole in the journal`,
            ],
          ],
        );
      }
    });
  }

  it('stops wherever it is told to, and goes on from there to the same end', async () => {
    const bytes = readFileSync(newestSegment());
    const at = lastLongGroup(bytes);
    writeFileSync(newestSegment(), bytes.with(at + 100, (bytes[at + 100] ?? 0) ^ 1));
    writeFileSync(join(copy, 'tile', '0', '000'), 'no tile');
    const begin: CheckOptions['begin'] = (folder, options) => new PortableScan(folder, options, 0);
    const due = await check({ begin });
    assert.ok(due.findings.damages > 0n && due.findings.rebuildables > 0n);
    const file = join(scratch, 'resume');
    for (let stopAt = 1; ; stopAt += 19) {
      let runs = 0;
      const isStopped = (): boolean => ++runs >= stopAt;
      const first = await check({ begin, isStopped });
      if (first.report.isComplete) break;
      assert.equal(first.isComplete, false);
      writeResumeFile(file, { ...first.report.settled, findings: first.findings });
      const earlier = readResumeFile(file);
      assert.equal(earlier?.size, first.report.settled.size);
      const second = await check({ begin, earlier });
      assert.equal(second.isComplete, true);
      assert.deepEqual(second.findings.list, due.findings.list, `stopped at ${stopAt}`);
      assert.equal(second.findings.damages, due.findings.damages);
      assert.equal(second.findings.rebuildables, due.findings.rebuildables);
      assert.equal(second.report.size, due.report.size);
    }
  });

  it('is ended by Ctrl-C: says how far it came, and leaves a file to go on from', async () => {
    // It waits for the checkpoint, which here comes from a pipe: then its signals are caught.
    const checkpoint = readFileSync(join(copy, 'checkpoint'));
    rmSync(join(copy, 'checkpoint'));
    execFileSync('mkfifo', [join(copy, 'checkpoint')]);
    const resume = join(scratch, 'ended');
    const words = [program, 'fsck', copy, '--resume', resume];
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'close');
    const output = text(child.stdout);
    const pipe = await open(join(copy, 'checkpoint'), 'w');
    child.kill('SIGINT');
    await pipe.writeFile(checkpoint);
    await pipe.close();
    assert.deepEqual(await ended, [3, null]);
    assert.match(await output, /^Ended before all was checked, at /mu);
    assert.ok(existsSync(resume));
    rmSync(join(copy, 'checkpoint'));
    writeFileSync(join(copy, 'checkpoint'), checkpoint);
    const again = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    const whatItSays = text(again.stdout);
    assert.deepEqual(await once(again, 'close'), [0, null]);
    assert.match(await whatItSays, /No damage found\.\n$/u);
    assert.equal(existsSync(resume), false);
  });
});
