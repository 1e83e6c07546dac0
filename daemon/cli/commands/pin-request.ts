/** `kudurru pin request`: what this boot shows, to be approved. */
import { encodeHex } from '@kudurru/proof';

import { requestText } from '../../src/provision/boot-file.ts';
import { readPinBoot } from '../../src/provision/pin-boot.ts';
import { PLACE_OPTIONS, type Command } from '../command.ts';
import { EXIT } from '../exit-code.ts';
import { writeResult } from '../files.ts';
import { stoppedBox } from '../pin-boot.ts';
import { orRefusal } from '../refusal.ts';

export const pinRequest: Command = {
  words: ['pin', 'request'],
  summary: 'write what this boot shows, for its approval',
  synopsis: ['[-o FILE] [--state DIR]'],
  description: [
    'On a box made by "kudurru provision" the token\'s PIN is sealed to the TPM, which opens it ' +
      'in approved boots only: those whose PCRs (setting "bootPcrs") show values that a key of ' +
      'the operators has signed. After a change of firmware, its settings or the boot loader ' +
      'the daemon refuses to start with "boot-not-approved", and names the PCRs that differ.',
    'Where the change was yours: this command, with the daemon stopped, writes the present ' +
      'values; "kudurru pin approve" signs them away from the box, with the key that the ' +
      'provisioning handed over; "kudurru pin accept" takes the result in. Before a change whose ' +
      'values are known they can be written into the file and approved beforehand.',
    'An approval stays good: the box keeps the newest 32 and opens the PIN in any of these boots.',
    'There is no command to withdraw one. Where a boot must not open the PIN any more, as of a ' +
      'firmware with a hole, the PIN itself has to go: with the daemon stopped, set another user ' +
      "PIN by the tools of the token's maker and the officer's PIN of the letter " +
      '"token-officer", write it into the file of the setting "tokenPinFile" (mode 0600), and ' +
      'remove "devices/tpm-keys/token-pin.json" from the state folder. What the TPM opens from ' +
      'any copy of that file is then no PIN. The new one is in its file and not sealed.',
  ],
  options: [
    { name: 'output', short: 'o', value: 'FILE', meaning: 'write to FILE; else to stdout' },
    ...PLACE_OPTIONS,
  ],
  exits: [[EXIT.foundBad, 'refused: the line on stderr says why']],
  examples: [['To a file', 'kudurru pin request -o boot.json']],
  async run(invocation) {
    invocation.take();
    const boot = await orRefusal(async () => readPinBoot(stoppedBox(invocation)));
    const { terminal } = invocation;
    const [newest] = boot.approvals;
    for (const { pcr, value } of boot.now) {
      const before = newest?.values.find((one) => one.pcr === pcr)?.value;
      const isSame = before !== undefined && encodeHex(before) === encodeHex(value);
      const was = isSame || before === undefined ? '' : `, approved last: ${encodeHex(before)}`;
      terminal.say(`PCR ${pcr}: ${encodeHex(value)}${was}`);
    }
    terminal.say(boot.isApproved ? 'this boot is approved' : 'this boot is not approved');
    const text = requestText({ ...boot, values: boot.now });
    const file = invocation.text('output');
    writeResult(terminal, new Uint8Array(Buffer.from(text)), { file, isText: true });
    return EXIT.good;
  },
};
