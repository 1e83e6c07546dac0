/** `kudurru time profile …`: which sources of time count, by operators' signed order. */
import { encodeBase64, encodeTimeProfile, parseTimeProfile } from '@kudurru/proof';

import { PLACE_OPTIONS, SIGNED_ORDER_OPTIONS, type Command, type Invocation } from '../command.ts';
import { ControlClient } from '../control-client.ts';
import { EXIT, wrongUse } from '../exit-code.ts';
import { readNamedFile, writeResult } from '../files.ts';

const validHoursDefault = 24;
const validHoursMax = 720;

interface ProfileInForce {
  readonly index: number;
  readonly operators: readonly string[];
  readonly profile: unknown;
}

interface Order {
  readonly order: string;
  readonly expires: string;
  readonly operators: readonly string[];
}

export const timeProfileShow: Command = {
  words: ['time', 'profile', 'show'],
  summary: 'print the time profile in force',
  synopsis: ['[--state DIR] [--json]'],
  description: [
    'Prints the profile that operators put in force last, as the JSON that ' +
      '"kudurru time profile order" takes. On stderr: its entry, and who signed the order.',
  ],
  options: PLACE_OPTIONS,
  exits: [[EXIT.foundBad, 'none was ever ordered']],
  examples: [['To change it', 'kudurru time profile show > profile.json']],
  async run(invocation) {
    invocation.take();
    const found = await clientOf(invocation).get<ProfileInForce>('/v1/time/profile');
    const { terminal, isJson } = invocation;
    if (isJson) terminal.printJson(found);
    else {
      terminal.say(`entry ${found.index}, ordered by ${found.operators.join(' and ')}`);
      terminal.write(`${JSON.stringify(found.profile, null, 2)}\n`);
    }
    return EXIT.good;
  },
};

export const timeProfileOrder: Command = {
  words: ['time', 'profile', 'order'],
  summary: 'write the order that puts a time profile in force, to be signed',
  synopsis: ['PROFILE.json [-o FILE] [--valid-hours N] [--state DIR]'],
  description: [
    'A time profile names the sources of time that an appliance may rest on, what each is pinned ' +
      'to and independent of, the oscillator, and the limits under which a level is claimed. ' +
      'Nothing in it is ever learned: the least path delay and the oscillator are what somebody ' +
      'has measured and signs for. SPEC.md §9.3 has its members.',
    'The order holds the profile. An operator signs the file with ' +
      '"ssh-keygen -Y sign -n kudurru -f KEY FILE", which writes FILE.sig; ' +
      '"kudurru time profile activate" carries it out. It is good for a time, for this ledger, ' +
      'and once; only the last order that was written is carried out.',
  ],
  options: [
    { name: 'output', short: 'o', value: 'FILE', meaning: 'write it to FILE; else to stdout' },
    {
      name: 'valid-hours',
      value: 'N',
      meaning: `carried out within so long (${validHoursDefault}, at most ${validHoursMax})`,
    },
    ...PLACE_OPTIONS,
  ],
  exits: [[EXIT.foundBad, 'refused: the line on stderr says why']],
  examples: [
    ['The order', 'kudurru time profile order profile.json -o time.order'],
    ['Signed by an operator', 'ssh-keygen -Y sign -n kudurru -f ~/.ssh/id_ed25519 time.order'],
  ],
  async run(invocation) {
    const [file = ''] = invocation.take('PROFILE.json');
    const validHours = invocation.integer('valid-hours') ?? validHoursDefault;
    if (validHours < 1 || validHours > validHoursMax) {
      throw wrongUse(`--valid-hours is 1 to ${validHoursMax}`);
    }
    const text = new TextDecoder('utf-8', { fatal: true }).decode(readNamedFile(file, 'profile'));
    const profile = encodeTimeProfile(parseTimeProfile(text));
    const { order, expires, operators } = await clientOf(invocation).post<Order>(
      '/v1/time/orders',
      { profile: encodeBase64(profile), validHours },
    );
    const { terminal } = invocation;
    terminal.say(`to be signed by ${operators.join(' or ')}, carried out before ${expires}`);
    const bytes = new Uint8Array(Buffer.from(order, 'base64'));
    writeResult(terminal, bytes, { file: invocation.text('output'), isText: false });
    return EXIT.good;
  },
};

export const timeProfileActivate: Command = {
  words: ['time', 'profile', 'activate'],
  summary: "put a time profile in force, by operators' signed order",
  synopsis: ['--authorisation FILE.sig… [--order FILE] [--state DIR] [--json]'],
  description: [
    'Carries out an order of "kudurru time profile order" that operators have signed. What it ' +
      'leaves is a "time.profile" entry: order and signatures stay in the log, and every verdict ' +
      'about time rests on them.',
  ],
  options: [...SIGNED_ORDER_OPTIONS, ...PLACE_OPTIONS],
  exits: [[EXIT.foundBad, 'refused: the line on stderr says why']],
  examples: [['Carried out', 'kudurru time profile activate --authorisation time.order.sig']],
  async run(invocation) {
    invocation.take();
    const files = invocation.texts('authorisation');
    const [first] = files;
    if (first === undefined) throw wrongUse('--authorisation is wanted');
    const orderFile = invocation.text('order') ?? nameWithoutEnding(first);
    const order = readNamedFile(orderFile, 'order');
    const signatures = files.map((file) => encodeBase64(readNamedFile(file, 'signature')));
    const done = await clientOf(invocation).post<ProfileInForce>('/v1/time/profiles', {
      order: encodeBase64(order),
      signatures,
    });
    const { terminal, isJson } = invocation;
    if (isJson) terminal.printJson(done);
    else {
      const by = done.operators.join(' and ');
      terminal.printFacts([['time profile', `in force by entry ${done.index}, ordered by ${by}`]]);
    }
    return EXIT.good;
  },
};

function nameWithoutEnding(file: string): string {
  if (file.endsWith('.sig')) return file.slice(0, -'.sig'.length);
  throw wrongUse(`"${file}" does not end in .sig`, 'name the order that was signed with --order');
}

function clientOf(invocation: Invocation): ControlClient {
  return new ControlClient(invocation.locations().controlSocket);
}
