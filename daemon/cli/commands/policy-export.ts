/** `kudurru policy export`: the trust policy that names this ledger and its devices. */
import { X509Certificate } from 'node:crypto';

import {
  decodeUtf8,
  encodeHex,
  formatTrustPolicy,
  LABELS,
  TIME_LEVELS,
  trustPolicyFromJson,
  type Json,
  type JsonObject,
} from '@kudurru/proof';

import { PLACE_OPTIONS, type Command, type Invocation } from '../command.ts';
import { ControlClient } from '../control-client.ts';
import { EXIT, Failure, wrongUse } from '../exit-code.ts';
import { readNamedFile, writeResult } from '../files.ts';

export const policyExport: Command = {
  words: ['policy', 'export'],
  summary: 'write the trust policy that names this ledger',
  synopsis: [
    '[-o FILE] [--identity FILE] [--accept LABEL]… [--time-level LEVEL] [--state DIR]',
    '… [--ek-root FILE]… [--ek-pin HEX]… [--expect-pcrs]',
  ],
  description: [
    'Writes a trust policy (JSON) with the ledger, the log key and the appliance of this ' +
      'daemon. A reader should not simply believe it: whoever verifies compares these ' +
      'values with what the operator told on another way, and decides which labels and ' +
      'levels to accept.',
    'The default accepts hardware only and asks for a locked clock. --accept emulated and ' +
      '--time-level UNKNOWN make a policy for trying out, and what is VALID under it says so.',
    "Whose TPM it is: --ek-root names certificates of the TPM's maker that the chain of its " +
      'endorsement key ends in, --ek-pin the SHA-256 of that key or of its certificate ' +
      '("publicSha256" and "certificateSha256" of the identity document). Without either a TPM ' +
      'that is called hardware is UNVERIFIABLE. How it booted: --expect-pcrs takes the PCRs of ' +
      'the identity document into the policy, and every boot of a bundle must show them.',
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
    {
      name: 'ek-root',
      value: 'FILE',
      isRepeatable: true,
      meaning: 'certificate (DER or PEM) that chains of endorsement keys end in; may be repeated',
    },
    {
      name: 'ek-pin',
      value: 'HEX',
      isRepeatable: true,
      meaning: 'SHA-256 of an endorsement key or of its certificate; may be repeated',
    },
    { name: 'expect-pcrs', meaning: 'want the PCRs that the identity document names' },
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
      'For a box whose TPM and boot are known',
      'kudurru policy export --identity identity.json --ek-root maker.pem --expect-pcrs',
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
    const endorsement = endorsementOf(invocation);
    const { exported, expectedPcrs } = await readExported(invocation);
    const policy = trustPolicyFromJson({
      ...exported,
      ...(endorsement === null ? {} : { endorsement }),
      ...(expectedPcrs === null ? {} : { expectedPcrs }),
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

interface Exported {
  readonly exported: JsonObject;
  readonly expectedPcrs: Json | null;
}

async function readExported(invocation: Invocation): Promise<Exported> {
  const wantsPcrs = invocation.flag('expect-pcrs');
  const file = invocation.text('identity');
  if (file === undefined && !wantsPcrs) {
    const client = new ControlClient(invocation.locations().controlSocket);
    return { exported: await client.get<JsonObject>('/v1/trust-policy'), expectedPcrs: null };
  }
  const identity =
    file === undefined
      ? await new ControlClient(invocation.locations().controlSocket).get<Json>('/v1/identity')
      : readJson(file);
  const policy = memberOfObject(identity, 'trustPolicy');
  const named = file ?? 'of the daemon';
  if (!isObject(policy)) {
    throw wrongUse(`"${named}" is no identity document: it has no "trustPolicy"`);
  }
  return { exported: policy, expectedPcrs: wantsPcrs ? expectedPcrsIn(identity, named) : null };
}

function expectedPcrsIn(identity: Json, named: string): Json {
  const appliance = memberOfObject(identity, 'appliance');
  const pcrs = appliance === undefined ? undefined : memberOfObject(appliance, 'expectedPcrs');
  if (typeof pcrs === 'object' && pcrs !== null && !isObject(pcrs)) return pcrs;
  throw wrongUse(
    `identity document "${named}" has no "expectedPcrs"`,
    'export it again, once the box has booted',
  );
}

/** The policy's member; null where no option asks for it. */
function endorsementOf(invocation: Invocation): JsonObject | null {
  const files = invocation.texts('ek-root');
  const pins = invocation.texts('ek-pin');
  if (files.length === 0 && pins.length === 0) return null;
  for (const pin of pins) {
    if (!/^[0-9a-f]{64}$/u.test(pin)) {
      throw wrongUse(`--ek-pin is 64 hexadecimal digits in lower case, found "${pin}"`);
    }
  }
  const roots = files.map((file) => encodeHex(certificateIn(file)));
  return { roots, pins: [...pins], atUnixSeconds: null };
}

function certificateIn(file: string): Uint8Array {
  try {
    return new Uint8Array(new X509Certificate(readNamedFile(file, 'certificate')).raw);
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw wrongUse(`"${file}" is no X.509 certificate (DER or PEM)`);
  }
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
