#!/usr/bin/env node
/** `kudurru`: finds the command, prints its page or runs it, and turns failures into exit codes. */
import { AgentError } from '@kudurru/agent';
import { ProofError } from '@kudurru/proof';

import { KudurruError, reasonOf } from '../src/base/errors.ts';
import { Invocation, parse, type Command } from './command.ts';
import { EXIT, Failure, wrongUse } from './exit-code.ts';
import { familyOf, manualOf, overviewOf } from './manual.ts';
import { nearestOf } from './nearest.ts';
import { Terminal } from './terminal.ts';

/** Loaded when it is run: a command starts as fast as what it needs. */
interface Listed {
  readonly words: readonly string[];
  load(): Promise<Command>;
}

const COMMANDS: readonly Listed[] = [
  {
    words: ['provision'],
    load: async () => (await import('./commands/provision.ts')).provision,
  },
  { words: ['recover'], load: async () => (await import('./commands/recover.ts')).recover },
  {
    words: ['pin', 'request'],
    load: async () => (await import('./commands/pin-request.ts')).pinRequest,
  },
  {
    words: ['pin', 'approve'],
    load: async () => (await import('./commands/pin-approve.ts')).pinApprove,
  },
  {
    words: ['pin', 'accept'],
    load: async () => (await import('./commands/pin-accept.ts')).pinAccept,
  },
  { words: ['status'], load: async () => (await import('./commands/status.ts')).status },
  {
    words: ['agent', 'enrol'],
    load: async () => (await import('./commands/agent-enrol.ts')).agentEnrol,
  },
  {
    words: ['agent', 'list'],
    load: async () => (await import('./commands/agent-list.ts')).agentList,
  },
  {
    words: ['agent', 'show'],
    load: async () => (await import('./commands/agent-show.ts')).agentShow,
  },
  {
    words: ['operator', 'list'],
    load: async () => (await import('./commands/operator-list.ts')).operatorList,
  },
  {
    words: ['identity', 'export'],
    load: async () => (await import('./commands/identity-export.ts')).identityExport,
  },
  { words: ['mcp'], load: async () => (await import('./commands/mcp.ts')).mcp },
  { words: ['submit'], load: async () => (await import('./commands/submit.ts')).submit },
  { words: ['search'], load: async () => (await import('./commands/search.ts')).search },
  { words: ['prove'], load: async () => (await import('./commands/prove.ts')).prove },
  { words: ['verify'], load: async () => (await import('./commands/verify.ts')).verify },
  {
    words: ['policy', 'export'],
    load: async () => (await import('./commands/policy-export.ts')).policyExport,
  },
  {
    words: ['log', 'checkpoint'],
    load: async () => (await import('./commands/log-checkpoint.ts')).logCheckpoint,
  },
  {
    words: ['log', 'retire'],
    load: async () => (await import('./commands/log-retire.ts')).logRetire,
  },
  {
    words: ['challenge'],
    load: async () => (await import('./commands/challenge.ts')).challenge,
  },
  { words: ['attest'], load: async () => (await import('./commands/attest.ts')).attest },
  {
    words: ['tpm', 'doctor'],
    load: async () => (await import('./commands/tpm-doctor.ts')).tpmDoctor,
  },
  {
    words: ['time', 'profile', 'show'],
    load: async () => (await import('./commands/time-profile.ts')).timeProfileShow,
  },
  {
    words: ['time', 'profile', 'order'],
    load: async () => (await import('./commands/time-profile.ts')).timeProfileOrder,
  },
  {
    words: ['time', 'profile', 'activate'],
    load: async () => (await import('./commands/time-profile.ts')).timeProfileActivate,
  },
  {
    words: ['time', 'history'],
    load: async () => (await import('./commands/time-history.ts')).timeHistory,
  },
  { words: ['time'], load: async () => (await import('./commands/time.ts')).time },
  { words: ['fsck'], load: async () => (await import('./commands/fsck.ts')).fsck },
];

async function main(words: readonly string[], terminal: Terminal): Promise<number> {
  const [first] = words;
  if (first === undefined) {
    process.stderr.write(await overview());
    return EXIT.wrongUse;
  }
  if (['--help', '-h', 'help'].includes(first)) {
    terminal.write(await overview());
    return EXIT.good;
  }
  const named = namedBy(words);
  const rest = words.slice(named.length);
  // What follows "--" is another program's.
  const own = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest;
  const isHelp = own.includes('--help') || own.includes('-h');
  const command = COMMANDS.find((listed) => isSame(listed.words, named));
  if (isHelp) {
    const below = await Promise.all(belowOf(named).map((listed) => listed.load()));
    const page = await command?.load();
    terminal.write(page === undefined ? familyOf(named, below) : manualOf(page, below));
    return EXIT.good;
  }
  if (command === undefined) throw unfinished(named, rest);
  const run = await command.load();
  // What stands above others takes no arguments: a word after it is one of theirs, misspelt.
  if (belowOf(named).length > 0 && isWord(rest[0])) throw unfinished(named, rest);
  return run.run(new Invocation(terminal, parse(run, rest)));
}

async function overview(): Promise<string> {
  return overviewOf(await Promise.all(COMMANDS.map((command) => command.load())));
}

/** The longest run of words that names a command, or what commands begin with. */
function namedBy(words: readonly string[]): readonly string[] {
  const [first = ''] = words;
  let length = 0;
  while (COMMANDS.some((listed) => isSame(listed.words.slice(0, length + 1), words, length + 1))) {
    length += 1;
  }
  if (length > 0) return words.slice(0, length);
  const names = COMMANDS.map((command) => command.words.join(' '));
  const near = nearestOf(first, names) ?? nearestOf(words.slice(0, 2).join(' '), names);
  throw wrongUse(
    `"${first}" is no command`,
    near === undefined ? 'kudurru --help lists them' : `did you mean kudurru ${near}?`,
  );
}

/** Commands whose words go on from these. */
function belowOf(named: readonly string[]): readonly Listed[] {
  return COMMANDS.filter(
    ({ words }) => words.length > named.length && isSame(words.slice(0, named.length), named),
  );
}

function unfinished(named: readonly string[], rest: readonly string[]): Failure {
  const names = belowOf(named).map(({ words }) => words.join(' '));
  const family = named.join(' ');
  const [next] = rest;
  if (!isWord(next)) return wrongUse(`"${family}" wants more`, `there is ${names.join(', ')}`);
  const near = nearestOf(`${family} ${next}`, names);
  return wrongUse(
    `"${family} ${next}" is no command`,
    near === undefined ? `there is ${names.join(', ')}` : `did you mean kudurru ${near}?`,
  );
}

function isWord(word: string | undefined): word is string {
  return word !== undefined && !word.startsWith('-');
}

/** The first `count` of both, which both have. */
function isSame(
  left: readonly string[],
  right: readonly string[],
  count = Math.max(left.length, right.length),
): boolean {
  if (left.length < count || right.length < count) return false;
  return left.slice(0, count).every((word, position) => word === right[position]);
}

/** A failure of any part as one of ours; what is none of these is a fault of this program. */
function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof AgentError) {
    const isAway = error.code === 'ledger-unreachable';
    return new Failure(isAway ? EXIT.daemonUnreachable : EXIT.foundBad, error.message, error);
  }
  if (error instanceof ProofError) {
    return new Failure(EXIT.wrongUse, error.message, { code: error.code });
  }
  if (error instanceof KudurruError && error.code !== 'assertion-failed') {
    return new Failure(EXIT.wrongUse, error.message, { code: error.code });
  }
  return new Failure(EXIT.internal, `internal error: ${reasonOf(error)}`, { code: 'internal' });
}

const terminal = new Terminal();
const words = process.argv.slice(2);
try {
  process.exitCode = await main(words, terminal);
} catch (error) {
  const failure = failureOf(error);
  const { code, message, hint, exitCode } = failure;
  if (words.includes('--json')) process.stderr.write(`${JSON.stringify({ code, message })}\n`);
  else {
    terminal.say(message);
    if (hint !== undefined) terminal.say(`hint: ${hint}`);
  }
  if (exitCode === EXIT.internal && error instanceof Error) {
    process.stderr.write(`${error.stack}\n`);
  }
  process.exitCode = exitCode;
}
