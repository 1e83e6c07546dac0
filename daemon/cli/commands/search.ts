/** `kudurru search`: finds actions by their public fields. */
import { formatTai } from '@kudurru/proof';

import { PLACE_OPTIONS, type Command } from '../command.ts';
import { ControlClient } from '../control-client.ts';
import { EXIT } from '../exit-code.ts';
import { duration } from '../quantities.ts';

/** An entry as the daemon shows it: the JSON view of an action entry, and its index. */
export interface Hit {
  readonly index: number;
  readonly sequence: number;
  readonly time: { readonly taiNs: string; readonly level: string };
  readonly envelope: {
    readonly kind: string;
    readonly operation: string;
    readonly tool?: { readonly name: string };
    readonly status?: string;
    readonly externalId?: { readonly id: string };
  };
}

export interface SearchAnswer {
  readonly hits: readonly Hit[];
  /** Entries that can be found. */
  readonly indexed: number;
  /** Entries not indexed yet that could be among the hits. */
  readonly unsearched: number;
  readonly catchUpMs: number | null;
}

export const search: Command = {
  words: ['search'],
  summary: 'find actions',
  synopsis: ['[--agent NAME] [--operation TEXT] [--tool NAME] [OPTION]…'],
  description: [
    'Prints the actions for which all conditions hold, newest first. Conditions match ' +
      'exactly. The index behind it is not trusted: every hit is read again from the log, ' +
      'and "kudurru prove" gives the evidence. Exit status 1 when there is none.',
  ],
  options: [
    { name: 'agent', value: 'NAME', meaning: 'name or id of the agent' },
    { name: 'session', value: 'HEX', meaning: 'session id' },
    { name: 'kind', value: 'KIND', meaning: 'intent, outcome or observation' },
    { name: 'operation', value: 'TEXT', meaning: 'operation, such as tools/call' },
    { name: 'tool', value: 'NAME', meaning: 'name of the tool' },
    { name: 'status', value: 'STATUS', meaning: 'of outcomes: success, failure, timeout, …' },
    { name: 'trace', value: 'HEX', meaning: 'W3C trace id' },
    { name: 'external-id', value: 'ID', meaning: "the agent's own id of the action" },
    { name: 'since', value: 'TIME', meaning: 'not before this time: 2026-01-31T12:00:00Z' },
    { name: 'until', value: 'TIME', meaning: 'before this time' },
    { name: 'before', value: 'INDEX', meaning: 'only below this index: the next page' },
    { name: 'limit', value: 'N', meaning: 'at most N' },
    ...PLACE_OPTIONS,
  ],
  exits: [[EXIT.foundBad, 'nothing found, or the daemon refused']],
  examples: [
    ['What an agent wrote', 'kudurru search --agent research-1 --tool write_file'],
    ['Failures, for a program', 'kudurru search --status failure --json'],
  ],
  async run(invocation) {
    invocation.take();
    const client = new ControlClient(invocation.locations().controlSocket);
    const answer = await client.get<SearchAnswer>('/v1/search', {
      agent: invocation.text('agent'),
      session: invocation.text('session'),
      kind: invocation.text('kind'),
      operation: invocation.text('operation'),
      tool: invocation.text('tool'),
      status: invocation.text('status'),
      trace: invocation.text('trace'),
      externalId: invocation.text('external-id'),
      since: invocation.text('since'),
      until: invocation.text('until'),
      before: invocation.integer('before'),
      limit: invocation.integer('limit'),
    });
    const { hits, indexed } = answer;
    if (invocation.isJson) invocation.terminal.printJson({ ...answer });
    else if (hits.length === 0) invocation.terminal.say(nothingIn(indexed));
    else invocation.terminal.printTable(HEADINGS, hits.map(rowOf));
    if (!invocation.isJson && answer.unsearched > 0) invocation.terminal.say(lackOf(answer));
    return hits.length === 0 ? EXIT.foundBad : EXIT.good;
  },
};

function nothingIn(indexed: number): string {
  return `no action found in ${indexed} entries`;
}

/** Newest entries can be found at once; what an index file is made of, when it is there. */
function lackOf({ unsearched, catchUpMs }: SearchAnswer): string {
  const time = catchUpMs === null ? '' : `, about ${duration(catchUpMs)} to go`;
  return `not complete: ${unsearched} entries are not indexed yet${time}`;
}

const HEADINGS = ['INDEX', 'TIME', 'KIND', 'OPERATION', 'TOOL', 'STATUS', 'ID'];

function rowOf({ index, time, envelope }: Hit): string[] {
  return [
    String(index),
    formatTai(BigInt(time.taiNs)),
    envelope.kind,
    envelope.operation,
    envelope.tool?.name ?? '',
    envelope.status ?? '',
    envelope.externalId?.id ?? '',
  ];
}
