/** A verdict on the terminal: the headline, then each question with its answer and its checks. */
import { encodeHex, type PairVerdict, type Verdict } from '@kudurru/proof';

import type { Colour, Terminal } from './terminal.ts';

const QUESTIONS = ['who', 'what', 'when', 'rules', 'order'] as const;

const MARKS = {
  pass: ['ok', 'good'],
  fail: ['FAIL', 'bad'],
  unverifiable: ['open', 'open'],
  skipped: ['--', 'dim'],
} as const satisfies Readonly<Record<string, readonly [string, Colour]>>;

const STATE_COLOURS = {
  answered: 'good',
  'not answered': 'open',
  'not applicable': 'dim',
} as const satisfies Readonly<Record<string, Colour>>;

const OVERALL_COLOURS = { VALID: 'good', INVALID: 'bad', UNVERIFIABLE: 'open' } as const;

export function printVerdict(terminal: Terminal, verdict: Verdict): void {
  const { headline, overall, policy, subject } = verdict;
  terminal.print(
    `${terminal.paint(OVERALL_COLOURS[overall], headline)} under the trust policy "${policy}"`,
  );
  if (subject !== null) {
    const { index, kind, leafHash } = subject;
    terminal.print(`entry ${index}, ${kind}, leaf hash ${encodeHex(leafHash)}`);
  }
  for (const question of QUESTIONS) printQuestion(terminal, verdict, question);
  terminal.print();
  terminal.print(`Window that remains: ${verdict.window.text}.`);
  const open = QUESTIONS.filter((question) => {
    return verdict.questions[question].state === 'not answered';
  });
  terminal.print(
    open.length === 0 ? 'Every question is answered.' : `Not answered: ${open.join(', ')}.`,
  );
}

/** `files` are the names of A and B. */
export function printPairVerdict(
  terminal: Terminal,
  { headline, overall, policy, text, sides, contradictions }: PairVerdict,
  files: readonly [string, string],
): void {
  const verdict = terminal.paint(OVERALL_COLOURS[overall], headline);
  terminal.print(`${verdict} under the trust policy "${policy}"`);
  terminal.print(text);
  terminal.print();
  for (const [i, side] of sides.entries()) {
    const size = side.size === null ? '' : `, of a log of ${side.size} entries`;
    terminal.print(`${'AB'.charAt(i)} is ${side.kind} "${files[i]}"${size}: ${side.text}`);
  }
  if (contradictions.length > 0) terminal.print();
  for (const contradiction of contradictions) {
    terminal.print(`  ${terminal.paint('bad', 'FAIL ')}${contradiction}`);
  }
}

function printQuestion(
  terminal: Terminal,
  { checks, questions }: Verdict,
  question: (typeof QUESTIONS)[number],
): void {
  const { state, text } = questions[question];
  terminal.print();
  const title = terminal.paint('strong', question.toUpperCase().padEnd(7));
  terminal.print(`${title}${terminal.paint(STATE_COLOURS[state], state)}: ${text}`);
  for (const check of checks.filter((one) => one.question === question)) {
    const [mark, colour] = MARKS[check.outcome];
    terminal.print(`  ${terminal.paint(colour, mark.padEnd(5))}${check.id}: ${check.text}`);
  }
}
