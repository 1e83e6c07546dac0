/** `kudurru identity export`: what a verifier keeps of this ledger and its box. */
import type { JsonObject } from '@kudurru/proof';

import { PLACE_OPTIONS, type Command } from '../command.ts';
import { ControlClient } from '../control-client.ts';
import { EXIT } from '../exit-code.ts';
import { writeResult } from '../files.ts';

export const identityExport: Command = {
  words: ['identity', 'export'],
  summary: 'write the identity document of this appliance',
  synopsis: ['[--out FILE] [--state DIR]'],
  description: [
    'Writes the identity document (JSON): a whole trust policy, the operators and their keys, ' +
      "the TPM's endorsement key with its certificates, the checkpoint key, and names and bases " +
      'of the counter and the extend index. A verifier keeps it and compares it with every ' +
      'bundle: "kudurru policy export --identity FILE" makes a trust policy of it.',
    'It says what the genesis entry says, and proves nothing by itself: take it to the readers ' +
      'on a way that they trust, soon after the box was provisioned.',
  ],
  options: [
    { name: 'out', short: 'o', value: 'FILE', meaning: 'write to FILE; else to stdout' },
    ...PLACE_OPTIONS,
  ],
  exits: [[EXIT.foundBad, 'the daemon refused']],
  examples: [['To a file', 'kudurru identity export --out identity.json']],
  async run(invocation) {
    invocation.take();
    const client = new ControlClient(invocation.locations().controlSocket);
    const identity = await client.get<JsonObject>('/v1/identity');
    const { terminal } = invocation;
    const bytes = new Uint8Array(Buffer.from(`${JSON.stringify(identity, null, 2)}\n`));
    const file = invocation.text('out');
    writeResult(terminal, bytes, { file, isText: true });
    if (file !== undefined) terminal.say(`identity document written to "${file}"`);
    return EXIT.good;
  },
};
