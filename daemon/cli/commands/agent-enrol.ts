/** `kudurru agent enrol`: proves possession of a key and has the ledger enter who holds it. */
import { generateKey, signEnrolment } from '@kudurru/agent';
import { decodeHex, encodeBase64 } from '@kudurru/proof';

import { PLACE_OPTIONS, type Command } from '../command.ts';
import { ControlClient } from '../control-client.ts';
import { EXIT, Failure, wrongUse } from '../exit-code.ts';
import { agentIdOf, createKeyFile, readKeyFile } from '../agent-identity.ts';
import { printAgent } from './agent-show.ts';
import type { EnrolledAgent } from './agent-list.ts';

interface Nonce {
  readonly nonce: string;
  readonly ledgerId: string;
  readonly trustDomain: string;
}

export const agentEnrol: Command = {
  words: ['agent', 'enrol'],
  summary: 'enrol an agent with its key, owner and purpose',
  synopsis: [
    'NAME --owner TEXT --purpose TEXT --key FILE [--contact TEXT]',
    'NAME --owner TEXT --purpose TEXT --new-key FILE [--algorithm ed25519|p256]',
  ],
  description: [
    'Enters the agent NAME into the ledger. The enrolment says who answers for the agent ' +
      'and what it is for, holds its public key, a proof that the private key was at hand, ' +
      'and the uid that the kernel saw asking. A name is enrolled once.',
    'The private key stays in FILE (PKCS#8 PEM); whoever can read it can sign as this ' +
      'agent. --new-key makes one, readable by its owner only, and refuses a file that ' +
      'exists.',
  ],
  options: [
    { name: 'owner', value: 'TEXT', meaning: 'the human or team accountable, 1-256 bytes' },
    { name: 'purpose', value: 'TEXT', meaning: 'what the agent is for, 1-1024 bytes' },
    {
      name: 'contact',
      value: 'TEXT',
      meaning: 'how to reach the owner; kept as a private body, only its commitment is published',
    },
    { name: 'key', value: 'FILE', meaning: 'the private key of the agent: Ed25519 or P-256' },
    { name: 'new-key', value: 'FILE', meaning: 'make a key and write it to FILE' },
    {
      name: 'algorithm',
      value: 'NAME',
      meaning: 'of a new key: ed25519 (the default) or p256',
    },
    ...PLACE_OPTIONS,
  ],
  exits: [[EXIT.foundBad, 'the daemon refused: the name is taken, the proof does not hold']],
  examples: [
    [
      'An agent with a new key',
      'kudurru agent enrol research-1 --owner "Data Team" --purpose "reads reports" ' +
        '--new-key research-1.pem',
    ],
  ],
  async run(invocation) {
    const [name = ''] = invocation.take('NAME');
    const owner = invocation.required('owner');
    const purpose = invocation.required('purpose');
    const client = new ControlClient(invocation.locations().controlSocket);
    const { nonce, ledgerId, trustDomain } = await client.post<Nonce>('/v1/enrolments', {});
    const agentId = agentIdOf(name, trustDomain);
    const key = keyOf({
      file: invocation.text('key'),
      newFile: invocation.text('new-key'),
      algorithm: invocation.text('algorithm'),
    });
    const enrolment = signEnrolment(key, {
      ledgerId: decodeHex(ledgerId),
      nonce: decodeHex(nonce),
      agentId,
      owner,
      purpose,
    });
    const ownerContact = invocation.text('contact');
    const agent = await client.post<EnrolledAgent>('/v1/agents', {
      enrolment: encodeBase64(enrolment),
      ...(ownerContact === undefined ? {} : { ownerContact }),
    });
    if (invocation.isJson) invocation.terminal.printJson(agent);
    else printAgent(invocation.terminal, agent);
    return EXIT.good;
  },
};

interface KeyChoice {
  readonly file: string | undefined;
  readonly newFile: string | undefined;
  readonly algorithm: string | undefined;
}

function keyOf({ file, newFile, algorithm }: KeyChoice): ReturnType<typeof generateKey> {
  if (file !== undefined && newFile === undefined) {
    if (algorithm !== undefined) throw wrongUse('--algorithm is for --new-key: a key has its own');
    return readKeyFile(file);
  }
  if (newFile === undefined || file !== undefined) {
    throw wrongUse('name one of --key FILE and --new-key FILE');
  }
  const key = generateKey(algorithmOf(algorithm));
  createKeyFile(newFile, key.exportPem());
  return key;
}

function algorithmOf(name: string | undefined): 'Ed25519' | 'ESP256' {
  if (name === undefined || name === 'ed25519') return 'Ed25519';
  if (name === 'p256') return 'ESP256';
  throw new Failure(EXIT.wrongUse, `--algorithm is ed25519 or p256, found "${name}"`);
}
