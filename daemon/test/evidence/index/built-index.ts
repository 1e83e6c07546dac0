/** The builder of the index run to its end, in small files; what is gone is removed. */
import { IndexBuilder, indexFolderOf } from '../../../src/evidence/index/builder.ts';
import { removeFile, type IndexFile, type IndexShape } from '../../../src/evidence/index/files.ts';
import type { FromBuilder } from '../../../src/evidence/index/messages.ts';
import { Turns } from '../../../src/evidence/index/pace.ts';
import { nextJob } from '../../../src/evidence/index/plan.ts';

export const SHAPE: IndexShape = { segment: 256, merged: 1024 };
export const LEDGER_ID = new Uint8Array(32).fill(5);

const nowMs = (): number => performance.now();

/** Until nothing is left to be built or merged of the log of this size. */
export async function buildIndex(
  state: string,
  size: number,
  heard: FromBuilder[] = [],
): Promise<readonly IndexFile[]> {
  const turns = new Turns(nowMs);
  let files: readonly IndexFile[] = [];
  const tell = (message: FromBuilder): void => {
    heard.push(message);
    if (message.kind !== 'files') return;
    files = message.files;
    for (const name of message.gone) removeFile(indexFolderOf(state), name);
    if (nextJob({ files, size, shape: SHAPE, wanted: null }) === null) turns.stop();
  };
  const data = { state, ledgerId: LEDGER_ID, size, shape: SHAPE, checkPauseMs: 0 };
  const builder = new IndexBuilder({ ...data, turns, nowMs, tell });
  builder.follow(size);
  await builder.run();
  return files;
}
