/** The worker that answers questions to the search index: a long one keeps nobody else waiting. */
import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';

import { reasonOf } from '../../base/errors.ts';
import { indexFolderOf } from './builder.ts';
import { removeFile } from './files.ts';
import type { FromSearcher, IndexWorkerData, ToSearcher } from './messages.ts';
import { Places } from './places.ts';
import { PublishedRows, UnreadableBundle } from './published-rows.ts';

function tell(message: FromSearcher): void {
  parentPort?.postMessage(message);
}

setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
const { state, ledgerId, shape } = workerData as IndexWorkerData;
const folder = indexFolderOf(state);
const places = new Places({
  folder,
  ledgerId,
  shape,
  published: new PublishedRows(state),
  onDamage: (file, reason) => tell({ kind: 'damaged', file, reason }),
});

function answer({ id, size, question }: ToSearcher & { readonly kind: 'question' }): void {
  try {
    tell({ kind: 'answer', id, answer: places.ask(question, size) });
  } catch (error) {
    const lacks = error instanceof UnreadableBundle ? error.first : null;
    tell({ kind: 'refused', id, reason: reasonOf(error), lacks });
  }
}

parentPort?.on('message', (message: ToSearcher) => {
  if (message.kind === 'question') return answer(message);
  if (message.kind === 'files') {
    places.use(message.files);
    for (const name of message.gone) removeFile(folder, name);
    return;
  }
  places.close();
  parentPort?.close();
});
