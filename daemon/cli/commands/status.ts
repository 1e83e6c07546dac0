/** `kudurru status`: what runs, what it records, and what a thief could still take back. */
import { PLACE_OPTIONS, type Command } from '../command.ts';
import { ControlClient } from '../control-client.ts';
import { EXIT } from '../exit-code.ts';
import { duration, size, windows, type Windows } from '../quantities.ts';
import { resourceFacts, type Resources } from '../resource-facts.ts';

interface Device {
  readonly name: string;
  readonly label: string;
  readonly maker: string;
  readonly model: string;
  readonly failures: number;
}

interface Status {
  readonly state: string;
  readonly version: string;
  readonly profile: string;
  readonly ledgerId: string;
  readonly origin: string;
  readonly operators: readonly string[];
  readonly size: number;
  readonly root: string;
  readonly agents: number;
  readonly sessions: number;
  readonly connections: number;
  readonly writerLevel: string;
  readonly tailRead: string;
  readonly process: readonly { readonly name: string; readonly state: string }[];
  readonly time: Windows & { readonly level: string };
  readonly leapList: { readonly source: string; readonly expires: string; expired: boolean };
  readonly custody: {
    readonly authorisationsSet: readonly string[];
    readonly pin:
      | { readonly kind: 'file'; readonly path: string }
      | {
          readonly kind: 'sealed';
          readonly pcrs: readonly number[];
          readonly approvals: number;
          readonly isApproved: boolean;
        };
  };
  readonly devices: readonly Device[];
  readonly anchor: {
    readonly index: number | null;
    readonly size: number;
    readonly ageMs: number | null;
    readonly counter: number | null;
    readonly entriesNotAnchored: number;
    readonly entriesNotCounted: number;
    readonly countedAgeMs: number | null;
    readonly pcr: number | null;
    readonly wearYears: number;
  };
  readonly boot: {
    readonly state: string;
    readonly pcrs: readonly number[];
    readonly reason: string | null;
    readonly eventLogMissing: string | null;
  };
  readonly index: {
    readonly entriesBehind: number;
    readonly catchUpMs: number | null;
    readonly pace: string;
  };
  readonly refusals: Readonly<Record<string, number>>;
  readonly logDoor: readonly string[];
  readonly resources: Resources;
  readonly unnamedChunkBytes: number;
  readonly uptimeMs: number;
}

export const status: Command = {
  words: ['status'],
  summary: 'show what the daemon does and what it holds',
  synopsis: ['[--state DIR] [--json]'],
  description: [
    'Prints the state of the daemon, its log, its devices and its doors. "not anchored" ' +
      'counts the entries that no TPM-attested anchor covers: what a thief of the whole box ' +
      'could still take back unseen. "not counted" counts those whose anchor no increment ' +
      'of the NV counter covers.',
  ],
  options: PLACE_OPTIONS,
  exits: [[EXIT.foundBad, 'the daemon refused']],
  examples: [['What the daemon does', 'kudurru status']],
  async run(invocation) {
    invocation.take();
    const client = new ControlClient(invocation.locations().controlSocket);
    const found = await client.get<Status>('/v1/status');
    if (invocation.isJson) invocation.terminal.printJson(found);
    else invocation.terminal.printFacts(factsOf(found));
    return EXIT.good;
  },
};

function factsOf(found: Status): [string, string][] {
  const { leapList, anchor } = found;
  const refused = Object.entries(found.refusals).map(([code, count]) => `${code} ${count}`);
  return [
    [
      'daemon',
      `${found.state}, ${found.version}, profile ${found.profile}, ` +
        `up ${duration(found.uptimeMs)}`,
    ],
    ['ledger', found.ledgerId],
    ['operators', operatorsText(found.operators)],
    ['log', `${found.origin}, ${found.size} entries`],
    ['root', found.root],
    ['anchor', anchorText(anchor)],
    ['window', windowText(anchor)],
    ['boot', bootText(found.boot)],
    ['time', `${found.time.level}: ${windows(found.time)}`],
    ['leap list', `${leapList.source}, ${expiryText(leapList)}`],
    ['writers', found.writerLevel],
    ['journal', tailReadText(found.tailRead)],
    ...found.process.map(({ name, state }): [string, string] => [name, state]),
    ...found.devices.map(deviceFact),
    ['custody', custodyText(found.custody.authorisationsSet)],
    ['token PIN', pinText(found.custody.pin)],
    [
      'agents',
      `${found.agents} enrolled, ${found.sessions} open sessions, ` +
        `${found.connections} connections`,
    ],
    ['index', indexText(found.index)],
    ['refused', refused.join(', ') || 'nothing since the start'],
    ['log door', found.logDoor.join(', ')],
    ...resourceFacts(found.resources),
    ['bodies', `${size(found.unnamedChunkBytes)} of large ones that no statement names`],
  ];
}

function operatorsText(operators: readonly string[]): string {
  if (operators.length > 0) return operators.join(', ');
  return 'none: founded without "kudurru provision"; nobody can authorise a recovery';
}

function custodyText(set: readonly string[]): string {
  const open = ['owner', 'lockout'].filter((hierarchy) => !set.includes(hierarchy));
  if (open.length === 0) return 'owner and lockout authorisation of the TPM are with the operators';
  return (
    `${open.join(' and ')} authorisation of the TPM not set: who runs as this user can remove ` +
    'the counter or clear the TPM'
  );
}

function pinText(pin: Status['custody']['pin']): string {
  if (pin.kind === 'file') {
    return `in "${pin.path}", not sealed: who runs as this user can use the token's keys`;
  }
  const { pcrs, approvals, isApproved } = pin;
  const boots = `${approvals} approved ${approvals === 1 ? 'boot' : 'boots'}`;
  const now = isApproved ? 'this is one' : 'this is none, and the next start is refused';
  return `sealed to the TPM for ${boots}, by PCR ${pcrs.join(', ')}; ${now}`;
}

function tailReadText(tailRead: string): string {
  return tailRead === 'direct'
    ? 'read from the disk itself at the start (direct)'
    : `read through the page cache at the start (${tailRead}): no direct reads here`;
}

function anchorText(anchor: Status['anchor']): string {
  if (anchor.index === null) return 'none yet';
  const extended = anchor.pcr === null ? 'no PCR' : `PCR ${anchor.pcr}`;
  return (
    `entry ${anchor.index} covers ${anchor.size} entries, ` +
    `${duration(anchor.ageMs ?? 0)} ago, counter ${anchor.counter}, ${extended}; the TPM ` +
    `endures ${anchor.wearYears} years of this`
  );
}

/** What a thief of the whole box could take back unseen by it. */
function windowText(anchor: Status['anchor']): string {
  const { entriesNotAnchored, entriesNotCounted, ageMs, countedAgeMs } = anchor;
  const since = (age: number | null): string => (age === null ? '' : ` in ${duration(age)}`);
  return (
    `${entriesNotAnchored} entries not anchored${since(ageMs)}; ` +
    `${entriesNotCounted} not counted${since(countedAgeMs)}, open across a TPM reset`
  );
}

function bootText({ state, pcrs, reason, eventLogMissing }: Status['boot']): string {
  const found =
    state === 'approved'
      ? `approved; PCR ${pcrs.join(', ')} differs from the founding`
      : state === 'differs'
        ? `differs in PCR ${pcrs.join(', ')} from the founding`
        : state === 'unknown'
          ? `not known: ${reason ?? ''}`
          : 'as provisioned';
  return eventLogMissing === null ? found : `${found}; no event log: ${eventLogMissing}`;
}

function indexText({ entriesBehind, catchUpMs, pace }: Status['index']): string {
  if (entriesBehind === 0) return 'up to date';
  const behind = `${entriesBehind} entries behind`;
  if (pace === 'paused') return `${behind}, waits while the ledger is busy`;
  return catchUpMs === null ? behind : `${behind}, about ${duration(catchUpMs)} to go`;
}

function expiryText({ expires, expired }: Status['leapList']): string {
  return expired ? `expired ${expires}` : `good until ${expires}`;
}

function deviceFact({ name, label, maker, model, failures }: Device): [string, string] {
  const health = failures === 0 ? '' : `; ${failures} failures in a row`;
  return [name, `${label}: ${maker} ${model}`.trimEnd() + health];
}
