/** `kudurru prove`: the evidence bundle of one entry. */
import { setTimeout as wait } from 'node:timers/promises';

import { PLACE_OPTIONS, wholeNumber, type Command, type Invocation } from '../command.ts';
import { ControlClient } from '../control-client.ts';
import { EXIT, Failure, wrongUse } from '../exit-code.ts';
import { writeResult } from '../files.ts';
import { size } from '../quantities.ts';
import { bodiesAsked, sayBodies, sayLeftOut, writeBodies } from '../held-bodies.ts';
import type { SearchAnswer } from './search.ts';

const WAIT_SECONDS_DEFAULT = 30;
const RETRY_MS = 250;
/** Codes of the daemon that say: not yet. */
const NOT_YET: readonly string[] = ['not-ready', 'not-anchored'];

export const prove: Command = {
  words: ['prove'],
  summary: 'hand out the evidence of one entry',
  synopsis: [
    'INDEX [-o FILE] [--no-disclose]',
    '--session HEX --sequence N [-o FILE] [--no-disclose]',
    '--last [-o FILE] [--no-disclose]',
  ],
  description: [
    'Writes an evidence bundle: the entry, what it refers to, inclusion proofs in one signed ' +
      'checkpoint, the anchor that covers it, and the opened private bytes of the entry and of ' +
      'the intent or outcome that belongs to it. Whoever has it and a trust policy can check it ' +
      'with "kudurru verify", without this daemon and without a network.',
    'An entry can be proven once an anchor covers it; a fresh one is waited for.',
    'A bundle has no room for a body of more than 256 KiB: it says that the body is held and not ' +
      'included. --body writes it to a file of its own, with the salt that opens its commitment.',
  ],
  options: [
    { name: 'session', value: 'HEX', meaning: 'the session of the action' },
    { name: 'sequence', value: 'N', meaning: 'its sequence number there' },
    { name: 'last', meaning: 'the newest action of the log' },
    { name: 'output', short: 'o', value: 'FILE', meaning: 'write to FILE; else to stdout' },
    { name: 'no-disclose', meaning: 'leave the private bytes closed: commitments only' },
    {
      name: 'body',
      value: 'FIELD=FILE',
      isRepeatable: true,
      meaning: 'write the private bytes of a field to FILE, checked against the commitment',
    },
    {
      name: 'wait',
      value: 'SECONDS',
      meaning: `how long to wait for the anchor (${WAIT_SECONDS_DEFAULT})`,
    },
    ...PLACE_OPTIONS,
  ],
  exits: [[EXIT.foundBad, 'no such entry, or no anchor covers it in time']],
  examples: [
    ['The newest action', 'kudurru prove --last -o action.kudurru'],
    ['An entry, its private bytes kept closed', 'kudurru prove 42 --no-disclose -o 42.kudurru'],
    ['With its large output beside it', 'kudurru prove 42 -o 42.kudurru --body output=42.out'],
  ],
  async run(invocation) {
    const client = new ControlClient(invocation.locations().controlSocket);
    const subject = await subjectOf(invocation, client);
    const body = { ...subject, disclose: !invocation.flag('no-disclose') };
    const bundle = await whenAnchored(waitMsOf(invocation), () =>
      client.postForBytes('/v1/bundles', body),
    );
    const file = invocation.text('output');
    const asked = bodiesAsked(invocation);
    writeResult(invocation.terminal, bundle, { file, isText: false });
    const bodies = await writeBodies(bundle, asked, client);
    if (file !== undefined && invocation.isJson) {
      invocation.terminal.printJson({ file, sizeBytes: bundle.length, bodies });
    } else if (file !== undefined) {
      invocation.terminal.say(`evidence of ${size(bundle.length)} written to "${file}"`);
    }
    if (!invocation.isJson) sayBodies(invocation, bodies);
    if (body.disclose) sayLeftOut(invocation, bundle, bodies);
    return EXIT.good;
  },
};

async function subjectOf(invocation: Invocation, client: ControlClient): Promise<object> {
  const [index, ...others] = invocation.positionals;
  const session = invocation.text('session');
  const sequence = invocation.integer('sequence');
  const isLast = invocation.flag('last');
  const isPlaced = session !== undefined || sequence !== undefined;
  const ways = [index !== undefined, isPlaced, isLast].filter(Boolean).length;
  if (ways !== 1 || others.length > 0) {
    throw wrongUse('name one entry: INDEX, --session HEX --sequence N, or --last');
  }
  if (index !== undefined) return { index: wholeNumber('INDEX', index) };
  if (isLast) return { index: await newestAction(client, waitMsOf(invocation)) };
  if (session === undefined || sequence === undefined) {
    throw wrongUse('--session and --sequence go together');
  }
  return { session, sequence };
}

function waitMsOf(invocation: Invocation): number {
  return 1000 * (invocation.integer('wait') ?? WAIT_SECONDS_DEFAULT);
}

/** The newest entries can be found at once, unless part of the index is being built again. */
async function newestAction(client: ControlClient, waitMs: number): Promise<number> {
  const giveUpAtMs = performance.now() + waitMs;
  let answer = await client.get<SearchAnswer>('/v1/search', { limit: 1 });
  while (answer.unsearched > 0 && performance.now() + RETRY_MS < giveUpAtMs) {
    await wait(RETRY_MS);
    answer = await client.get<SearchAnswer>('/v1/search', { limit: 1 });
  }
  const [newest] = answer.hits;
  if (newest !== undefined) return newest.index;
  throw new Failure(EXIT.foundBad, 'the log holds no action', { code: 'not-found' });
}

async function whenAnchored<Answer>(waitMs: number, ask: () => Promise<Answer>): Promise<Answer> {
  const giveUpAtMs = performance.now() + waitMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const isEarly = error instanceof Failure && NOT_YET.includes(error.code);
      if (!isEarly || performance.now() + RETRY_MS > giveUpAtMs) throw error;
    }
    await wait(RETRY_MS);
  }
}
