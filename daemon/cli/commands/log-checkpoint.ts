/** `kudurru log checkpoint`: the signed head of the log, and how it grew from an older one. */
import { parseCheckpoint, ProofError, type TreeHead } from '@kudurru/proof';

import { PLACE_OPTIONS, type Command } from '../command.ts';
import { formatGrown, parseGrown } from '../consistency.ts';
import { EXIT, wrongUse } from '../exit-code.ts';
import { readNamedFile, writeResult } from '../files.ts';
import { PublishedLog } from '../published-log.ts';

export const logCheckpoint: Command = {
  words: ['log', 'checkpoint'],
  summary: 'export the signed head of the log',
  synopsis: ['[-o FILE] [--since OLD] [--state DIR]'],
  description: [
    'Writes the newest published checkpoint of the log: a C2SP signed note of its size and root. ' +
      'Kept outside the box, it contradicts every later log that is not the same one grown.',
    'With --since, the file begins with the proof that the log has grown from the checkpoint in ' +
      'OLD, in the form of a C2SP tlog-witness add-checkpoint request; "kudurru verify ' +
      '--consistent OLD FILE" checks it offline.',
    'Both come from the published log, the files "checkpoint" and "tile/" of the state folder ' +
      '(C2SP tlog-tiles); the daemon need not run.',
  ],
  options: [
    { name: 'output', short: 'o', value: 'FILE', meaning: 'write to FILE; else to stdout' },
    { name: 'since', value: 'OLD', meaning: 'an older checkpoint, as exported' },
    ...PLACE_OPTIONS,
  ],
  exits: [[EXIT.foundBad, 'nothing is published, or the log has not grown from OLD']],
  examples: [
    ['Today', 'kudurru log checkpoint -o monday.checkpoint'],
    ['And how it grew', 'kudurru log checkpoint --since monday.checkpoint -o friday.checkpoint'],
  ],
  async run(invocation) {
    invocation.take();
    const log = new PublishedLog(invocation.locations().state);
    const since = invocation.text('since');
    const older = since === undefined ? null : headIn(since);
    const checkpoint = await log.checkpoint();
    const path = older === null ? null : await log.grownSince(older, checkpoint);
    const { origin, size, root } = parseCheckpoint(checkpoint);
    const oldSize = older?.size ?? null;
    const bytes =
      oldSize === null || path === null ? checkpoint : formatGrown({ oldSize, path, checkpoint });
    const file = invocation.text('output');
    if (invocation.isJson) {
      const note = Buffer.from(checkpoint).toString();
      invocation.terminal.printJson({ origin, size, root, checkpoint: note, oldSize, path });
    }
    if (file !== undefined || !invocation.isJson) {
      writeResult(invocation.terminal, bytes, { file, isText: true });
    }
    if (file !== undefined) invocation.terminal.say(`checkpoint of ${size} entries in "${file}"`);
    return EXIT.good;
  },
};

function headIn(file: string): TreeHead {
  const bytes = readNamedFile(file, 'checkpoint');
  try {
    return parseCheckpoint(parseGrown(bytes)?.checkpoint ?? bytes);
  } catch (error) {
    if (error instanceof ProofError) throw wrongUse(`"${file}": ${error.message}`);
    throw error;
  }
}
