/** The worker that makes the files of the search index; restarting-worker.ts starts it. */
import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';

import { IndexBuilder } from './builder.ts';
import type { FromBuilder, IndexWorkerData, ToBuilder } from './messages.ts';
import { Turns } from './pace.ts';

function tell(message: FromBuilder): void {
  parentPort?.postMessage(message);
}

// Linux has a priority for each thread: this one's own, and intake goes first.
setPriority(constants.priority.PRIORITY_LOW);
const nowMs = (): number => performance.now();
const turns = new Turns(nowMs);
const builder = new IndexBuilder({ ...(workerData as IndexWorkerData), turns, nowMs, tell });
parentPort?.on('message', (message: ToBuilder) => {
  if (message.kind === 'follow') builder.follow(message.size);
  else if (message.kind === 'pace') turns.set(message.pace);
  else if (message.kind === 'want') builder.want(message.index);
  else if (message.kind === 'distrust') builder.distrust(message.index, message.reason);
  else turns.stop();
});
await builder.run();
parentPort?.close();
