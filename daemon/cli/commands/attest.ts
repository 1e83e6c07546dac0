/** `kudurru attest`: the appliance's TPM answers an auditor's challenge. */
import { decodeAttestationChallenge, encodeBase64, encodeHex, sha256 } from '@kudurru/proof';

import { PLACE_OPTIONS, type Command } from '../command.ts';
import { ControlClient } from '../control-client.ts';
import { EXIT } from '../exit-code.ts';
import { readNamedFile, writeResult } from '../files.ts';

export const attest: Command = {
  words: ['attest'],
  summary: "answer an auditor's challenge with the TPM of this appliance",
  synopsis: ['CHALLENGE --out FILE [--state DIR] [--json]'],
  description: [
    'Hands the file CHALLENGE, made by "kudurru challenge", to the daemon, whose TPM opens it, ' +
      'and writes the answer. The answer goes back to the auditor; it holds nothing secret.',
    'Only the TPM that the challenge was made for can open it, and only while it holds the ' +
      'attestation key that the challenge names. The answer shows that both are so, and nothing ' +
      'else: no entry of the ledger, no other key, no state of the box. It changes nothing in ' +
      'the TPM.',
  ],
  options: [
    { name: 'out', short: 'o', value: 'FILE', meaning: 'write the answer to FILE' },
    ...PLACE_OPTIONS,
  ],
  exits: [[EXIT.foundBad, 'refused: the challenge is for another appliance or TPM']],
  examples: [['Answer a challenge', 'kudurru attest challenge.bin --out answer.bin']],
  async run(invocation) {
    const [file = ''] = invocation.take('CHALLENGE');
    const out = invocation.required('out');
    const challenge = readNamedFile(file, 'challenge');
    const { applianceId } = decodeAttestationChallenge(challenge);
    const client = new ControlClient(invocation.locations().controlSocket);
    const answer = await client.postForBytes('/v1/attestations', {
      challenge: encodeBase64(challenge),
    });
    const { terminal, isJson } = invocation;
    writeResult(terminal, answer, { file: out, isText: false });
    const challengeSha256 = sha256(challenge);
    if (isJson) terminal.printJson({ answer: out, challengeSha256, applianceId });
    else {
      terminal.printFacts([
        ['answer', `${out}: back to the auditor`],
        ['challenge', `SHA-256 ${encodeHex(challengeSha256)}`],
        ['appliance', encodeHex(applianceId)],
      ]);
    }
    return EXIT.good;
  },
};
