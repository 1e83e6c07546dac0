/**
 * A builder that is killed at a given step of its work: between two bundles, between two indexes of
 * a file, before and after a file is told. Arguments: state folder, size, step.
 */
import { IndexBuilder, indexFolderOf } from '../../../src/evidence/index/builder.ts';
import { removeFile } from '../../../src/evidence/index/files.ts';
import { Turns } from '../../../src/evidence/index/pace.ts';
import { nextJob } from '../../../src/evidence/index/plan.ts';
import { LEDGER_ID, SHAPE } from './built-index.ts';

const [state = '', sizeText = '', stepText = ''] = process.argv.slice(2);
const size = Number(sizeText);
let stepsLeft = Number(stepText);

function step(): void {
  if (stepsLeft === 0) process.kill(process.pid, 'SIGKILL');
  stepsLeft -= 1;
}

class KillingTurns extends Turns {
  override async take(): Promise<void> {
    step();
    await super.take();
  }
}

const nowMs = (): number => performance.now();
const turns = new KillingTurns(nowMs);
const builder = new IndexBuilder({
  ...{ state, ledgerId: LEDGER_ID, size, shape: SHAPE, checkPauseMs: 0, turns, nowMs },
  tell: (message) => {
    step();
    if (message.kind !== 'files') return;
    for (const name of message.gone) removeFile(indexFolderOf(state), name);
    step();
    const { files } = message;
    if (nextJob({ files, size, shape: SHAPE, wanted: null }) === null) turns.stop();
  },
});
builder.follow(size);
await builder.run();
