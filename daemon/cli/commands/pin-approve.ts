/** `kudurru pin approve`: signs a boot, away from the box. */
import { decodeUtf8, encodeHex } from '@kudurru/proof';

import { approvalText, approve, parseRequest } from '../../src/provision/boot-file.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit-code.ts';
import { readNamedFile, writeResult } from '../files.ts';
import { orRefusal } from '../refusal.ts';

export const pinApprove: Command = {
  words: ['pin', 'approve'],
  summary: 'sign a boot in which the token may be used',
  synopsis: ['FILE --key FILE [-o FILE]'],
  description: [
    'Signs the boot that "kudurru pin request" wrote, with the key of the opened letter ' +
      '"boot-approval" of the provisioning. It needs nothing else, and belongs away from the ' +
      'box: whoever has that key and the box can have the log key used in any boot.',
    'Compare the values with those of the firmware and boot loader that were installed first: ' +
      'what was signed cannot be taken back. The TPM takes the signature for good, and the box ' +
      'cannot make it forget: whoever kept a copy brings it again. A boot that must not have the ' +
      'token any more needs another user PIN in the token: see "kudurru pin request --help".',
  ],
  options: [
    { name: 'key', value: 'FILE', meaning: 'the opened letter, or a PEM file with its key' },
    { name: 'output', short: 'o', value: 'FILE', meaning: 'write to FILE; else to stdout' },
  ],
  exits: [[EXIT.foundBad, 'refused: the line on stderr says why']],
  examples: [
    ['The letter opened', 'age -d -i ~/.ssh/id_ed25519 boot-approval.age > boot-approval.txt'],
    ['The boot signed', 'kudurru pin approve boot.json --key boot-approval.txt -o approved.json'],
  ],
  async run(invocation) {
    const [name = ''] = invocation.take('FILE');
    const keyFile = invocation.required('key');
    const { terminal } = invocation;
    const approved = await orRefusal(async () => {
      const request = parseRequest(decodeUtf8(readNamedFile(name, 'boot')));
      return approve(request, decodeUtf8(readNamedFile(keyFile, 'key')));
    });
    for (const { pcr, value } of approved.values) terminal.say(`PCR ${pcr}: ${encodeHex(value)}`);
    const file = invocation.text('output');
    const bytes = new Uint8Array(Buffer.from(approvalText(approved)));
    writeResult(terminal, bytes, { file, isText: true });
    return EXIT.good;
  },
};
