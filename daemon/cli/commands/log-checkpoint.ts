/** `kudurru log checkpoint`: the signed head of the log, and how it grew from an older one. */
import { decodeHex, parseCheckpoint, ProofError } from '@kudurru/proof';

import { PLACE_OPTIONS, type Command } from '../command.ts';
import { formatGrown, parseGrown } from '../consistency.ts';
import { ControlClient } from '../control-client.ts';
import { EXIT, wrongUse } from '../exit-code.ts';
import { readNamedFile, writeResult } from '../files.ts';

export const logCheckpoint: Command = {
  words: ['log', 'checkpoint'],
  summary: 'export the signed head of the log',
  synopsis: ['[-o FILE] [--since OLD] [--state DIR]'],
  description: [
    'Writes the newest checkpoint of the log: a C2SP signed note of its size and root. Kept outside ' +
      'the box, it contradicts every later log that is not the same one grown.',
    'With --since, the file begins with the proof that the log has grown from the checkpoint in ' +
      'OLD, in the form of a C2SP tlog-witness add-checkpoint request; "kudurru verify ' +
      '--consistent OLD FILE" checks it offline.',
  ],
  options: [
    { name: 'output', short: 'o', value: 'FILE', meaning: 'write to FILE; else to stdout' },
    { name: 'since', value: 'OLD', meaning: 'an older checkpoint, as exported' },
    ...PLACE_OPTIONS,
  ],
  exits: [[EXIT.foundBad, 'the daemon refused']],
  examples: [
    ['Today', 'kudurru log checkpoint -o monday.checkpoint'],
    ['And how it grew', 'kudurru log checkpoint --since monday.checkpoint -o friday.checkpoint'],
  ],
  async run(invocation) {
    invocation.take();
    const client = new ControlClient(invocation.locations().controlSocket);
    const since = invocation.text('since');
    const oldSize = since === undefined ? null : sizeIn(since);
    const checkpoint = await client.getBytes('/v1/checkpoint');
    const { size, root, origin } = parseCheckpoint(checkpoint);
    const path = oldSize === null ? null : await pathOf(client, oldSize, size);
    const bytes =
      oldSize === null || path === null ? checkpoint : formatGrown({ oldSize, path, checkpoint });
    const file = invocation.text('output');
    if (invocation.isJson) {
      const note = Buffer.from(checkpoint).toString();
      invocation.terminal.printJson({ origin, size, root, checkpoint: note, oldSize, path });
    }
    if (file === undefined && invocation.isJson) return EXIT.good;
    writeResult(invocation.terminal, bytes, { file, isText: true });
    if (file !== undefined) invocation.terminal.say(`checkpoint of ${size} entries in "${file}"`);
    return EXIT.good;
  },
};

async function pathOf(client: ControlClient, from: bigint, to: bigint): Promise<Uint8Array[]> {
  const { path } = await client.get<{ path: readonly string[] }>('/v1/consistency', {
    from: String(from),
    to: String(to),
  });
  return path.map(decodeHex);
}

function sizeIn(file: string): bigint {
  const bytes = readNamedFile(file, 'checkpoint');
  try {
    return parseCheckpoint(parseGrown(bytes)?.checkpoint ?? bytes).size;
  } catch (error) {
    if (error instanceof ProofError) throw wrongUse(`"${file}": ${error.message}`);
    throw error;
  }
}
