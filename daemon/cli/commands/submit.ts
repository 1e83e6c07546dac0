/** `kudurru submit`: one statement of actions, for scripts and for trying things out. */
import { connect, type Action, type PrivateValue, type Receipt } from '@kudurru/agent';
import {
  encodeHex,
  envelopeFromJson,
  formatTai,
  LARGE_BODY_SIZE_BYTES_MAX,
  type Json,
} from '@kudurru/proof';

import { IDENTITY_OPTIONS, identityOf, wholeAgentId } from '../agent-identity.ts';
import { PLACE_OPTIONS, type Command, type Invocation } from '../command.ts';
import { EXIT, wrongUse } from '../exit-code.ts';
import { readNamedFile } from '../files.ts';
import type { Terminal } from '../terminal.ts';

const BODY_FIELDS = [
  'input',
  'output',
  'target',
  'systemPrompt',
  'credential',
  'error',
  'onBehalfOf',
  'modelParameters',
] as const;
type BodyField = (typeof BODY_FIELDS)[number];

export const submit: Command = {
  words: ['submit'],
  summary: "record actions in an agent's name",
  synopsis: [
    '--agent NAME --key FILE --kind KIND --type TYPE --operation TEXT [OPTION]…',
    '--agent NAME --key FILE --stdin',
  ],
  description: [
    'Opens a session, submits one statement and prints where each action stands. Public ' +
      'fields are those of an envelope (proof/SPEC.md §4), enum values in kebab case; ' +
      'private bytes come from files of up to 16 MiB, are stored sealed, and show in the log as ' +
      'salted commitments only; of a longer file only the commitment is submitted.',
    'With --stdin the actions come as JSON: one object, or an array of up to 1,024, in the JSON ' +
      'form of envelopes without "version" and "commitments", and with private texts in ' +
      '"private": {"input": "…"}. --body then belongs to a single action.',
  ],
  options: [
    { name: 'stdin', meaning: 'read the actions as JSON from stdin' },
    { name: 'kind', value: 'KIND', meaning: 'intent, outcome or observation' },
    { name: 'type', value: 'TYPE', meaning: 'tool-call, tool-response, decision, delegation, …' },
    { name: 'operation', value: 'TEXT', meaning: 'what is done, such as tools/call' },
    { name: 'tool', value: 'TEXT', meaning: 'name of the tool' },
    { name: 'status', value: 'STATUS', meaning: 'of an outcome: success, failure, timeout, …' },
    {
      name: 'intent',
      value: 'SESSION:SEQUENCE',
      meaning: 'of an outcome: the intent it belongs to, as submit printed it',
    },
    {
      name: 'body',
      value: 'FIELD=FILE',
      isRepeatable: true,
      meaning: `private bytes of a field: ${BODY_FIELDS.join(', ')}`,
    },
    { name: 'anchored', meaning: 'wait until the actions are anchored by the TPM' },
    ...IDENTITY_OPTIONS,
    ...PLACE_OPTIONS,
  ],
  exits: [[EXIT.foundBad, 'the ledger refused the agent or the actions']],
  examples: [
    [
      'An observation with its private input',
      'kudurru submit --agent research-1 --key research-1.pem --kind observation ' +
        '--type decision --operation choose-source --body input=question.txt',
    ],
    ['Actions from a program', 'make-actions | kudurru submit --stdin --json'],
  ],
  async run(invocation) {
    invocation.take();
    const actions = await actionsOf(invocation);
    const { agentSocket, controlSocket } = invocation.locations();
    const { agent: name, key } = identityOf(invocation);
    const agentId = await wholeAgentId(name, controlSocket);
    await using agent = await connect({ socketPath: agentSocket, agentId, key, client: CLIENT });
    const level = invocation.flag('anchored') ? 'anchored' : 'committed';
    const receipt = await agent.submit(actions, { level });
    if (invocation.isJson) invocation.terminal.printJson(receiptView(receipt));
    else printReceipt(invocation.terminal, receipt);
    return EXIT.good;
  },
};

const CLIENT = 'kudurru submit';

async function actionsOf(invocation: Invocation): Promise<readonly Action[]> {
  const bodies = bodiesOf(invocation.texts('body'));
  const { terminal } = invocation;
  if (!invocation.flag('stdin')) return [withBodies(actionOfFlags(invocation), bodies, terminal)];
  const json = parseJson(await readAll(process.stdin));
  const actions = (Array.isArray(json) ? (json as Json[]) : [json]).map(actionOfJson);
  const [only] = actions;
  if (bodies.length === 0) return actions;
  if (only === undefined || actions.length > 1) throw wrongUse('--body is for a single action');
  return [withBodies(only, bodies, terminal)];
}

function actionOfFlags(invocation: Invocation): Action {
  const tool = invocation.text('tool');
  const status = invocation.text('status');
  const intent = invocation.text('intent');
  const kind = invocation.required('kind');
  return actionOfJson({
    kind,
    actionType: invocation.required('type'),
    operation: invocation.required('operation'),
    coverage: 'self-reported',
    ...(tool === undefined
      ? {}
      : { tool: { name: tool, server: null, schemaDigest: null, protocolVersion: null } }),
    ...(status === undefined ? {} : { status }),
    ...(intent === undefined ? {} : { intent: referenceOf(intent) }),
    ...(kind === 'outcome' ? { observedBy: 'agent' } : {}),
  });
}

function referenceOf(text: string): Json {
  const [session = '', sequence = ''] = text.split(':');
  if (!/^[0-9a-f]{64}$/u.test(session) || !/^\d{1,15}$/u.test(sequence)) {
    throw wrongUse(`--intent is SESSION:SEQUENCE, found "${text}"`);
  }
  return { session, sequence: Number(sequence) };
}

/** The JSON form without what is made here, and with private texts. */
function actionOfJson(json: Json): Action {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw wrongUse('an action is a JSON object');
  }
  const { private: secrets = {}, ...open } = json as Readonly<Record<string, Json>>;
  const envelope = envelopeFromJson({ ...open, version: 1, commitments: [] });
  if (typeof secrets !== 'object' || secrets === null) throw wrongUse('"private" is an object');
  const texts = Object.entries(secrets).map(([field, value]) => {
    if (typeof value !== 'string') throw wrongUse(`private "${field}" is not text`);
    return [requireField(field), value] as const;
  });
  return { ...envelope, private: Object.fromEntries(texts) };
}

type NamedBody = readonly [BodyField, Uint8Array];

function bodiesOf(options: readonly string[]): NamedBody[] {
  return options.map((option) => {
    const at = option.indexOf('=');
    if (at < 0) throw wrongUse(`--body is FIELD=FILE, found "${option}"`);
    return [requireField(option.slice(0, at)), readNamedFile(option.slice(at + 1), 'body')];
  });
}

/** Of a file that is longer than the ledger takes, only the commitment is submitted. */
function withBodies(action: Action, bodies: readonly NamedBody[], terminal: Terminal): Action {
  const values: Partial<Record<BodyField, PrivateValue>> = { ...action.private };
  for (const [field, bytes] of bodies) {
    const isTaken = bytes.length <= LARGE_BODY_SIZE_BYTES_MAX;
    values[field] = isTaken ? bytes : { bytes, mediaType: null, deposit: false };
    if (isTaken) continue;
    terminal.say(
      `${field}: ${bytes.length} bytes are committed to and not handed over; the ledger takes ` +
        `${LARGE_BODY_SIZE_BYTES_MAX}`,
    );
  }
  return { ...action, private: values };
}

function requireField(name: string): BodyField {
  const field = BODY_FIELDS.find((known) => known === name);
  if (field !== undefined) return field;
  throw wrongUse(`"${name}" is no private field; there are ${BODY_FIELDS.join(', ')}`);
}

function parseJson(bytes: Buffer): Json {
  try {
    return JSON.parse(bytes.toString()) as Json;
  } catch (error) {
    throw wrongUse(`stdin is not JSON: ${error instanceof Error ? error.message : 'unreadable'}`);
  }
}

async function readAll(source: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

function receiptView(receipt: Receipt): object {
  return {
    statementIndex: receipt.statementIndex,
    treeSize: receipt.treeSize,
    root: receipt.root,
    taiNs: receipt.taiNs.toString(),
    actions: receipt.actions.map(({ index, reference, salts }) => ({
      index,
      session: reference.session,
      sequence: reference.sequence,
      salts: Object.fromEntries(salts),
    })),
    anchored: receipt.anchored === null ? null : { checkpointSize: receipt.anchored.head.size },
  };
}

function printReceipt(terminal: Terminal, receipt: Receipt): void {
  terminal.printFacts([
    ['received', formatTai(receipt.taiNs)],
    ['tree', `${receipt.treeSize} entries, root ${encodeHex(receipt.root)}`],
    ...(receipt.anchored === null
      ? []
      : [['anchored', `entry ${receipt.anchored.anchor.index}`] as const]),
    ...receipt.actions.map(
      ({ index, reference }) =>
        [
          'action',
          `index ${index}, ${encodeHex(reference.session)}:${reference.sequence}`,
        ] as const,
    ),
  ]);
}
