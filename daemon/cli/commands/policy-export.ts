/** `kudurru policy export`: the trust policy that names this ledger and its devices. */
import {
  decodeUtf8,
  formatTrustPolicy,
  LABELS,
  TIME_LEVELS,
  trustPolicyFromJson,
  type Json,
  type JsonObject,
} from '@kudurru/proof';

import { PLACE_OPTIONS, type Command, type Invocation } from '../command.ts';
import { ControlClient } from '../control-client.ts';
import { EXIT, wrongUse } from '../exit-code.ts';
import { readNamedFile, writeResult } from '../files.ts';

export const policyExport: Command = {
  words: ['policy', 'export'],
  summary: 'write the trust policy that names this ledger',
  synopsis: ['[-o FILE] [--identity FILE] [--accept LABEL]… [--time-level LEVEL] [--state DIR]'],
  description: [
    'Writes a trust policy (JSON) with the ledger, the log key and the appliance of this ' +
      'daemon. A reader should not simply believe it: whoever verifies compares these ' +
      'values with what the operator told on another way, and decides which labels and ' +
      'levels to accept.',
    'The default accepts hardware only and asks for a locked clock. --accept emulated and ' +
      '--time-level UNKNOWN make a policy for trying out, and what is VALID under it says so.',
  ],
  options: [
    { name: 'output', short: 'o', value: 'FILE', meaning: 'write to FILE; else to stdout' },
    {
      name: 'identity',
      value: 'FILE',
      meaning: 'take the values from an identity document, and ask no daemon',
    },
    { name: 'name', value: 'TEXT', meaning: 'what verdicts call it (the origin of the log)' },
    {
      name: 'accept',
      value: 'LABEL',
      isRepeatable: true,
      meaning: `device labels to accept: ${LABELS.join(', ')}; may be repeated (hardware)`,
    },
    {
      name: 'time-level',
      value: 'LEVEL',
      meaning: `least level of time: ${TIME_LEVELS.join(', ')} (LOCKED)`,
    },
    ...PLACE_OPTIONS,
  ],
  exits: [[EXIT.foundBad, 'the daemon refused']],
  examples: [
    ['To a file', 'kudurru policy export -o trust.json'],
    [
      'From an identity document, without the daemon',
      'kudurru policy export --identity identity.json -o trust.json',
    ],
    [
      'For trying out emulated devices',
      'kudurru policy export --accept emulated --time-level UNKNOWN -o trust.json',
    ],
  ],
  async run(invocation) {
    invocation.take();
    const labels = invocation.texts('accept').map((label) => memberOf(LABELS, '--accept', label));
    const level = invocation.text('time-level');
    const name = invocation.text('name');
    const policy = trustPolicyFromJson({
      ...(await exportedPolicy(invocation)),
      ...(name === undefined ? {} : { name }),
      ...(labels.length === 0 ? {} : { acceptLabels: labels }),
      ...(level === undefined
        ? {}
        : { minimumTimeLevel: memberOf(TIME_LEVELS, '--time-level', level) }),
    });
    const bytes = new Uint8Array(Buffer.from(formatTrustPolicy(policy)));
    const file = invocation.text('output');
    writeResult(invocation.terminal, bytes, { file, isText: true });
    if (file !== undefined) invocation.terminal.say(`trust policy written to "${file}"`);
    return EXIT.good;
  },
};

async function exportedPolicy(invocation: Invocation): Promise<JsonObject> {
  const file = invocation.text('identity');
  if (file === undefined) {
    const client = new ControlClient(invocation.locations().controlSocket);
    return client.get<JsonObject>('/v1/trust-policy');
  }
  const policy = memberOfObject(readJson(file), 'trustPolicy');
  if (isObject(policy)) return policy;
  throw wrongUse(`"${file}" is no identity document: it has no "trustPolicy"`);
}

function readJson(file: string): Json {
  try {
    return JSON.parse(decodeUtf8(readNamedFile(file, 'identity document'))) as Json;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw wrongUse(`"${file}" is no identity document: it is not JSON`);
  }
}

function memberOfObject(value: Json, name: string): Json | undefined {
  return isObject(value) ? value[name] : undefined;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function memberOf<Member extends string>(
  members: readonly Member[],
  option: string,
  given: string,
): Member {
  const member = members.find((one) => one === given);
  if (member !== undefined) return member;
  throw wrongUse(`${option} is one of ${members.join(', ')}, found "${given}"`);
}
