/** `kudurru pin accept`: takes in a boot that was approved. */
import { decodeUtf8 } from '@kudurru/proof';

import { parseApproval } from '../../src/provision/boot-file.ts';
import { acceptBoot } from '../../src/provision/pin-boot.ts';
import { PLACE_OPTIONS, type Command } from '../command.ts';
import { EXIT } from '../exit-code.ts';
import { readNamedFile } from '../files.ts';
import { stoppedBox } from '../pin-boot.ts';
import { orRefusal } from '../refusal.ts';

export const pinAccept: Command = {
  words: ['pin', 'accept'],
  summary: 'take in a boot that was approved',
  synopsis: ['FILE [--state DIR] [--json]'],
  description: [
    'Keeps what "kudurru pin approve" has signed, so that the TPM opens the token\'s PIN in that ' +
      'boot too. The signature is checked before, and by the TPM each time.',
    'The daemon must not run. Its TPM must.',
  ],
  options: PLACE_OPTIONS,
  exits: [[EXIT.foundBad, 'refused: the line on stderr says why']],
  examples: [['Taken in', 'kudurru pin accept approved.json']],
  async run(invocation) {
    const [name = ''] = invocation.take('FILE');
    const { isApproved, approvals } = await orRefusal(async () => {
      const approved = parseApproval(decodeUtf8(readNamedFile(name, 'approved boot')));
      return acceptBoot(approved, stoppedBox(invocation));
    });
    const { terminal } = invocation;
    if (invocation.isJson) {
      terminal.printJson({ isApproved, approvals: approvals.length });
      return EXIT.good;
    }
    terminal.printFacts([
      ['approved', `${approvals.length} boots`],
      ['this boot', isApproved ? 'approved: start the daemon' : 'not approved'],
    ]);
    return EXIT.good;
  },
};
