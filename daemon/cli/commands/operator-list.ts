/** `kudurru operator list`: who may give orders to this ledger. */
import { PLACE_OPTIONS, type Command } from '../command.ts';
import { ControlClient } from '../control-client.ts';
import { EXIT } from '../exit-code.ts';

interface Operator {
  readonly name: string;
  readonly id: string;
  readonly keyType: string;
  readonly fingerprint: string;
  readonly sshPublicKey: string;
}

export const operatorList: Command = {
  words: ['operator', 'list'],
  summary: 'list the operators and their keys',
  synopsis: ['[--state DIR] [--json]'],
  description: [
    'Prints the operators that the ledger was founded with, and the fingerprints of the keys ' +
      'they sign with, as "ssh-keygen -l" shows them. They stand in the provisioning record, ' +
      'whose hash is the id of the ledger.',
  ],
  options: PLACE_OPTIONS,
  exits: [[EXIT.foundBad, 'the daemon refused']],
  examples: [['Who they are', 'kudurru operator list']],
  async run(invocation) {
    invocation.take();
    const client = new ControlClient(invocation.locations().controlSocket);
    const { operators } = await client.get<{ operators: readonly Operator[] }>('/v1/identity');
    const { terminal, isJson } = invocation;
    if (isJson) terminal.printJson({ operators });
    else if (operators.length === 0) {
      terminal.say('none: this ledger was founded without "kudurru provision"; nobody can sign');
    } else {
      const rows = operators.map(({ name, keyType, fingerprint }) => [name, keyType, fingerprint]);
      terminal.printTable(['OPERATOR', 'KEY', 'FINGERPRINT'], rows);
    }
    return EXIT.good;
  },
};
