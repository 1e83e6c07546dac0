/** `kudurru provision`: makes this box ready for one ledger, before its first start. */
import { encodeHex } from '@kudurru/proof';

import { openLog } from '../../src/base/log.ts';
import { identityDocument, operatorViews } from '../../src/compose/identity-document.ts';
import { loadConfiguration, type Configuration } from '../../src/config/load.ts';
import { chainText, readCertificates } from '../../src/provision/endorsement-chain.ts';
import { readOperators, recipientsOf } from '../../src/provision/operators.ts';
import {
  PROVISION_STEPS,
  provision as provisionBox,
  type Provisioned,
} from '../../src/provision/provision.ts';
import { PLACE_OPTIONS, type Command, type Invocation } from '../command.ts';
import { EXIT, wrongUse } from '../exit-code.ts';
import { writeResult } from '../files.ts';
import { orRefusal } from '../refusal.ts';

export const provision: Command = {
  words: ['provision'],
  summary: 'make this box ready for one ledger, with operators',
  synopsis: ['--operator NAME=FILE… [--origin NAME] [--identity FILE] [--state DIR] [--json]'],
  description: [
    'Founds the ledger of a state folder: keys, counter and extend index are made in the TPM, ' +
      'the log key in the token, and the genesis entry binds them to the operators named here. ' +
      'Run it once, before the first start of the daemon, as the user that the daemon runs as; ' +
      'what it makes is fixed for the life of the ledger. Without it the first start founds a ' +
      'ledger without operators, for trying out.',
    'Operators are people, each with the public key of a file that ssh-keygen made: ' +
      'ssh-ed25519, ecdsa-sha2-nistp256, or one of these in a FIDO2 key (sk-). Orders signed by ' +
      'them, such as a recovery, are the only ones that are carried out.',
    "The TPM's owner and lockout authorisations are set to random values, which are written " +
      'encrypted (age) to "handover/" of the state folder, and nowhere else: each operator with ' +
      'an ssh-ed25519 key opens them with "age -d -i KEY FILE". So nobody on the box can remove ' +
      'the counter later. The other kinds of keys only sign: with those alone, give an ' +
      '--age-recipient.',
    'Each step says what was done. After an interruption at any point the same command goes on ' +
      'from there; run again after its end, it changes nothing. A state folder, TPM or token ' +
      'that belongs to another ledger is refused.',
    'The identity document (--identity, later "kudurru identity export") is what a verifier ' +
      'keeps of this box. Take it to the readers on a way that they trust.',
  ],
  options: [
    {
      name: 'operator',
      value: 'NAME=FILE',
      isRepeatable: true,
      meaning: 'a person who may give orders, with a public key file; may be repeated',
    },
    {
      name: 'age-recipient',
      value: 'age1…',
      isRepeatable: true,
      meaning: 'one more who can open what is handed over (age-keygen); may be repeated',
    },
    { name: 'origin', value: 'NAME', meaning: 'name of the log; else as configured' },
    { name: 'trust-domain', value: 'NAME', meaning: 'of the agents; else as configured' },
    {
      name: 'endorsement-certificates',
      value: 'DIR',
      meaning:
        'certificates of those who sign TPM endorsement keys (DER or PEM), to follow the ' +
        "chain of this TPM's as far as they go",
    },
    { name: 'identity', value: 'FILE', meaning: 'write the identity document to FILE' },
    ...PLACE_OPTIONS,
  ],
  exits: [[EXIT.foundBad, 'refused: the line on stderr says by what']],
  examples: [
    [
      'Two operators',
      'kudurru provision --operator ana=ana.pub --operator ben=ben.pub --origin log.example/1',
    ],
  ],
  async run(invocation) {
    invocation.take();
    const { terminal } = invocation;
    const words = invocation.texts('operator');
    if (words.length === 0) {
      throw wrongUse('--operator is missing', 'name at least one: --operator NAME=FILE.pub');
    }
    const folder = invocation.text('endorsement-certificates');
    const provisioned = await orRefusal(async () => {
      const configuration = configurationOf(invocation);
      const operators = readOperators(words);
      const order = {
        operators,
        recipients: recipientsOf(operators, invocation.texts('age-recipient')),
        issuers: folder === undefined ? [] : readCertificates(folder),
      };
      return provisionBox(order, {
        configuration,
        log: openLog({ level: 'warning' }),
        onStep: (step, text) => {
          const number = PROVISION_STEPS.indexOf(step) + 1;
          terminal.say(`${number}/${PROVISION_STEPS.length} ${step}: ${text}`);
        },
      });
    });
    show(invocation, provisioned);
    return EXIT.good;
  },
};

function configurationOf(invocation: Invocation): Configuration {
  const names = ['state', 'config', 'origin', 'trust-domain'];
  return loadConfiguration({
    flags: Object.fromEntries(names.map((name) => [name, invocation.text(name)])),
    environment: process.env,
    currentFolder: process.cwd(),
  });
}

function show(invocation: Invocation, { founded, chain, wasDone }: Provisioned): void {
  const { terminal, isJson } = invocation;
  const identity = identityDocument(founded);
  const file = invocation.text('identity');
  if (file !== undefined) {
    const bytes = new Uint8Array(Buffer.from(`${JSON.stringify(identity, null, 2)}\n`));
    writeResult(terminal, bytes, { file, isText: true });
    terminal.say(`identity document written to "${file}"`);
  }
  if (isJson) {
    terminal.printJson({ wasProvisioned: wasDone, chainEnd: chain.end, identity });
    return;
  }
  if (wasDone) terminal.say('everything was there already: nothing was changed');
  terminal.printFacts([
    ['ledger', encodeHex(founded.ledgerId)],
    ['log', `${founded.origin}, key ${founded.logKeyText}`],
    ['appliance', `${encodeHex(founded.applianceId)} (${founded.document.label})`],
    ['endorsement', chainText(chain)],
    ...operatorViews(founded.provisioningRecord).map(
      ({ name, keyType, fingerprint }) =>
        ['operator', `${name}, ${keyType} ${fingerprint}`] as const,
    ),
  ]);
}
