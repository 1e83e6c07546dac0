/**
 * `kudurru verify`: checks evidence offline, from files alone. It asks no daemon and no network,
 * and uses nothing of this house but @kudurru/proof.
 */
import { parseTrustPolicy, ProofError, verify as verifyBundle } from '@kudurru/proof';
import type { TrustPolicy } from '@kudurru/proof';

import type { Command, Invocation } from '../command.ts';
import { checkConsistency } from '../consistency.ts';
import { EXIT, wrongUse, type ExitCode } from '../exit-code.ts';
import { readNamedFile } from '../files.ts';
import { verifyTwo } from '../pair.ts';
import { printPairVerdict, printVerdict } from '../verdict-view.ts';

export const verify: Command = {
  words: ['verify'],
  summary: 'check evidence, offline',
  synopsis: [
    'BUNDLE --policy FILE [--json]',
    'A B --policy FILE [--proof FILE] [--json]',
    '--consistent OLD NEW --policy FILE [--proof FILE] [--json]',
  ],
  description: [
    'Checks the evidence bundle BUNDLE under the trust policy FILE and prints the ' +
      'verdict, the checks behind it grouped by the five questions (who, what, when, rules, ' +
      'order), and for each question whether it is answered. VALID names the weakest kind ' +
      'of device the evidence leans on. UNVERIFIABLE means that nothing is wrong, but less ' +
      'is shown than the policy asks.',
    'With two files, each a bundle, an anchored receipt or a checkpoint, checks whether one ' +
      'history of one log can hold both. "INVALID: equivocation" says what contradicts what: two ' +
      'trees of one size, two entries in one place, two anchors that no one TPM can have ' +
      'made in one log; the two files are then proof against the log, in whosever hands. VALID ' +
      'says that one is of the tree of the other or of its beginning; UNVERIFIABLE, that ' +
      'nothing contradicts but nothing leads from one to the other: then ask the log for a ' +
      'consistency proof, and give it with --proof.',
    'With --consistent, checks that the log whose checkpoint is NEW has grown from the one whose ' +
      'checkpoint is OLD, and took nothing back. The proof of that is in NEW when it was made by ' +
      '"kudurru log checkpoint --since OLD"; it is read from the file of --proof when NEW is a ' +
      'bare checkpoint. Both carry it as the body of a C2SP tlog-witness add-checkpoint request: ' +
      'a line "old SIZE", lines of base64 hashes, an empty line, the checkpoint.',
    'Nothing but these files is read.',
  ],
  options: [
    { name: 'policy', value: 'FILE', meaning: 'the trust policy (JSON): whom to believe' },
    { name: 'consistent', meaning: 'compare two checkpoints' },
    {
      name: 'proof',
      value: 'FILE',
      meaning: 'the consistency proof, when NEW, or the newer of A and B, does not hold it',
    },
  ],
  exits: [
    [EXIT.good, 'VALID'],
    [EXIT.foundBad, 'INVALID, equivocation too'],
    [EXIT.unverifiable, 'UNVERIFIABLE'],
  ],
  examples: [
    ['A bundle', 'kudurru verify action.kudurru --policy trust.json'],
    [
      'What two people were handed',
      'kudurru verify mine.kudurru yours.kudurru --policy trust.json',
    ],
    [
      'Two checkpoints',
      'kudurru verify --consistent monday.checkpoint friday.checkpoint --policy trust.json',
    ],
  ],
  async run(invocation) {
    if (invocation.flag('consistent')) return compare(invocation);
    if (invocation.positionals.length === 2) return comparePair(invocation);
    if (invocation.text('proof') !== undefined) {
      throw wrongUse('--proof goes with --consistent, or with two files');
    }
    const [file = ''] = invocation.take('BUNDLE');
    const policy = readPolicy(invocation.required('policy'));
    const verdict = await verifyBundle(readNamedFile(file, 'bundle'), policy);
    if (invocation.isJson) invocation.terminal.printJson(verdict);
    else printVerdict(invocation.terminal, verdict);
    return EXIT_OF[verdict.overall];
  },
};

async function comparePair(invocation: Invocation): Promise<ExitCode> {
  const [a = '', b = ''] = invocation.take('A', 'B');
  const policy = readPolicy(invocation.required('policy'));
  const proof = invocation.text('proof');
  const verdict = await verifyTwo(policy, {
    a: readNamedFile(a, 'evidence'),
    b: readNamedFile(b, 'evidence'),
    proof: proof === undefined ? null : readNamedFile(proof, 'consistency proof'),
  });
  if (invocation.isJson) invocation.terminal.printJson(verdict);
  else printPairVerdict(invocation.terminal, verdict, [a, b]);
  return EXIT_OF[verdict.overall];
}

const EXIT_OF = {
  VALID: EXIT.good,
  INVALID: EXIT.foundBad,
  UNVERIFIABLE: EXIT.unverifiable,
} as const;

function compare(invocation: Invocation): ExitCode {
  const [older = '', newer = ''] = invocation.take('OLD', 'NEW');
  const policy = readPolicy(invocation.required('policy'));
  const proofFile = invocation.text('proof');
  const { overall, text, ...facts } = checkConsistency(policy, {
    older: readNamedFile(older, 'checkpoint'),
    newer: readNamedFile(newer, 'checkpoint'),
    proof: proofFile === undefined ? null : readNamedFile(proofFile, 'consistency proof'),
  });
  const { terminal } = invocation;
  if (invocation.isJson) terminal.printJson({ overall, text, ...facts });
  else {
    const colour = { VALID: 'good', INVALID: 'bad', UNVERIFIABLE: 'open' } as const;
    terminal.print(`${terminal.paint(colour[overall], overall)}: ${text}`);
  }
  return EXIT_OF[overall];
}

function readPolicy(file: string): TrustPolicy {
  const text = Buffer.from(readNamedFile(file, 'trust policy')).toString();
  try {
    return parseTrustPolicy(text);
  } catch (error) {
    if (error instanceof ProofError) throw wrongUse(`"${file}": ${error.message}`);
    throw error;
  }
}
