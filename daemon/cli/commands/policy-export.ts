/** `kudurru policy export`: the trust policy that names this ledger and its devices. */
import {
  formatTrustPolicy,
  LABELS,
  TIME_LEVELS,
  trustPolicyFromJson,
  type JsonObject,
} from '@kudurru/proof';

import { PLACE_OPTIONS, type Command } from '../command.ts';
import { ControlClient } from '../control-client.ts';
import { EXIT, wrongUse } from '../exit-code.ts';
import { writeResult } from '../files.ts';

export const policyExport: Command = {
  words: ['policy', 'export'],
  summary: 'write the trust policy that names this ledger',
  synopsis: ['[-o FILE] [--accept LABEL]… [--time-level LEVEL] [--state DIR]'],
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
      'For trying out emulated devices',
      'kudurru policy export --accept emulated --time-level UNKNOWN -o trust.json',
    ],
  ],
  async run(invocation) {
    invocation.take();
    const client = new ControlClient(invocation.locations().controlSocket);
    const labels = invocation.texts('accept').map((label) => memberOf(LABELS, '--accept', label));
    const level = invocation.text('time-level');
    const name = invocation.text('name');
    const policy = trustPolicyFromJson({
      ...(await client.get<JsonObject>('/v1/trust-policy')),
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

function memberOf<Member extends string>(
  members: readonly Member[],
  option: string,
  given: string,
): Member {
  const member = members.find((one) => one === given);
  if (member !== undefined) return member;
  throw wrongUse(`${option} is one of ${members.join(', ')}, found "${given}"`);
}
