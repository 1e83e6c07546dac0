/** The broker as a process of its own, and the records that came from it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { decodePtpManagement, decodeTimeNote, TimeRecordSplitter } from '@kudurru/proof';
import type { PtpDataSet, TimeNote, TimeRecord } from '@kudurru/proof';

const program = fileURLToPath(new URL('../src/main.ts', import.meta.url));

export class BrokerProcess {
  readonly child: ChildProcess;
  readonly records: TimeRecord[] = [];
  readonly #splitter = new TimeRecordSplitter();
  #tell: () => void = () => undefined;
  #read = 0;

  constructor(settings: Readonly<Record<string, unknown>>, environment: Record<string, string>) {
    const json = JSON.stringify({ parentPid: process.pid, intervalMs: 50, ...settings });
    this.child = spawn(process.execPath, [program, json], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.child.stdout?.on('data', (piece: Buffer) => {
      this.records.push(...this.#splitter.push(piece));
      this.#tell();
    });
  }

  /** The next record that has not been looked at and is so. */
  async next(isWanted: (record: TimeRecord) => boolean): Promise<TimeRecord> {
    for (;;) {
      const record = this.records[this.#read];
      if (record === undefined) {
        await new Promise<void>((resolve) => (this.#tell = resolve));
        continue;
      }
      this.#read += 1;
      if (isWanted(record)) return record;
    }
  }

  async nextNote(code: TimeNote['code']): Promise<TimeNote> {
    const record = await this.next(({ kind, bytes }) => {
      return kind === 'note' && decodeTimeNote(bytes).code === code;
    });
    return decodeTimeNote(record.bytes);
  }

  async nextSet(name: PtpDataSet['name']): Promise<PtpDataSet> {
    const record = await this.next((each) => setOf(each)?.name === name);
    return setOf(record) as PtpDataSet;
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }
}

export function setOf({ kind, bytes }: TimeRecord): PtpDataSet | null {
  if (kind !== 'ptp-management') return null;
  const { body } = decodePtpManagement(bytes);
  return body.type === 'data' ? body.dataSet : null;
}
