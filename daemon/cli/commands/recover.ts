/** `kudurru recover`: goes on where TPM and journal contradict each other, by operators' order. */
import { encodeHex, formatTai } from '@kudurru/proof';

import { openLog } from '../../src/base/log.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import {
  describeRecovery,
  recover as carryOut,
  type DescribedRecovery,
  type RecoverOptions,
} from '../../src/provision/recover.ts';
import { PLACE_OPTIONS, SIGNED_ORDER_OPTIONS, type Command, type Invocation } from '../command.ts';
import { EXIT, wrongUse } from '../exit-code.ts';
import { readNamedFile, writeResult } from '../files.ts';
import { orRefusal } from '../refusal.ts';

const validHoursDefault = 24;
const validHoursMax = 720;

export const recover: Command = {
  words: ['recover'],
  summary: "go on after an anchor-contradiction, by operators' signed order",
  synopsis: [
    '--describe [-o FILE] [--valid-hours N] [--state DIR]',
    '--authorisation FILE.sig… [--order FILE] [--state DIR] [--json]',
  ],
  description: [
    'A daemon that refuses to start with "anchor-contradiction" has found that the TPM is not ' +
      'where the journal left it: the disk is older than the TPM has seen it, or the TPM was ' +
      'moved or set back by somebody. First look for the newest journal: with it nothing is lost.',
    'Where there is none, operators can order to go on. --describe writes an order that says ' +
      'what the TPM shows and what the journal leads to; an operator signs the file with ' +
      '"ssh-keygen -Y sign -n kudurru -f KEY FILE", which writes FILE.sig; --authorisation ' +
      'carries it out. It is good for a time, for this state of TPM and journal, and once.',
    'What it leaves is a "restore" entry that stays in the log: counter, extend index and PCR ' +
      'are replayed from there on, and every verdict that needs it says who ordered it. ' +
      'Entries that were lost stay lost; receipts kept outside still prove them.',
    'The daemon must not run. Its TPM and token must.',
  ],
  options: [
    { name: 'describe', meaning: 'write the order that is to be signed' },
    { name: 'output', short: 'o', value: 'FILE', meaning: 'write it to FILE; else to stdout' },
    {
      name: 'valid-hours',
      value: 'N',
      meaning: `carried out within so long (${validHoursDefault}, at most ${validHoursMax})`,
    },
    ...SIGNED_ORDER_OPTIONS,
    ...PLACE_OPTIONS,
  ],
  exits: [[EXIT.foundBad, 'refused: the line on stderr says why']],
  examples: [
    ['The order', 'kudurru recover --describe > order.bin'],
    ['Signed by an operator', 'ssh-keygen -Y sign -n kudurru -f ~/.ssh/id_ed25519 order.bin'],
    ['Carried out', 'kudurru recover --authorisation order.bin.sig'],
  ],
  async run(invocation) {
    invocation.take();
    const signatures = invocation.texts('authorisation');
    if (invocation.flag('describe') === signatures.length > 0) {
      throw wrongUse('one of --describe and --authorisation is wanted');
    }
    const options = optionsOf(invocation);
    if (signatures.length === 0) await describe(invocation, options);
    else await authorise(invocation, signatures, options);
    return EXIT.good;
  },
};

async function describe(invocation: Invocation, options: () => RecoverOptions): Promise<void> {
  const validHours = invocation.integer('valid-hours') ?? validHoursDefault;
  if (validHours < 1 || validHours > validHoursMax) {
    throw wrongUse(`--valid-hours is 1 to ${validHoursMax}`);
  }
  const described = await orRefusal(async () => describeRecovery({ validHours }, options()));
  const { terminal } = invocation;
  for (const line of linesOf(described)) terminal.say(line);
  const file = invocation.text('output');
  writeResult(terminal, described.order, { file, isText: false });
}

function linesOf(described: DescribedRecovery): string[] {
  const { contradictions, restoration, expiryTaiNs, operators } = described;
  return [
    ...contradictions.map(
      ({ kind, found, wanted }) => `${kind}: shows ${found}, the log has ${wanted.join(' or ')}`,
    ),
    `order: go on from TPM counter ${restoration.found.counter} behind entry ` +
      `${restoration.size - 1n}`,
    `to be signed by ${operators.join(' or ')}, carried out before ${formatTai(expiryTaiNs)}`,
  ];
}

async function authorise(
  invocation: Invocation,
  files: readonly string[],
  options: () => RecoverOptions,
): Promise<void> {
  const [first = ''] = files;
  const orderFile = invocation.text('order') ?? nameWithoutEnding(first);
  const order = readNamedFile(orderFile, 'order');
  const signatures = files.map((file) => readNamedFile(file, 'signature'));
  const done = await orRefusal(async () => carryOut({ order, signatures }, options()));
  const { terminal, isJson } = invocation;
  const { index, operators, restoration } = done;
  if (isJson) {
    terminal.printJson({ index, operators, restoration });
    return;
  }
  terminal.printFacts([
    ['restored', `entry ${index}, ordered by ${operators.join(' and ')}`],
    [
      'counter',
      `goes on from ${restoration.found.counter}, the log had ${restoration.logged.counter}`,
    ],
    ['log', `${restoration.size} entries, root ${encodeHex(restoration.root)}`],
    ['next', 'start the daemon'],
  ]);
}

function nameWithoutEnding(file: string): string {
  if (file.endsWith('.sig')) return file.slice(0, -'.sig'.length);
  throw wrongUse(`"${file}" does not end in .sig`, 'name the order that was signed with --order');
}

function optionsOf(invocation: Invocation): () => RecoverOptions {
  const names = ['state', 'config'];
  return () => ({
    configuration: loadConfiguration({
      flags: Object.fromEntries(names.map((name) => [name, invocation.text(name)])),
      environment: process.env,
      currentFolder: process.cwd(),
    }),
    log: openLog({ level: 'warning' }),
  });
}
