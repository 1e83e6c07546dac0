/**
 * From the lines of the checks to the verdict and to the answers of the five questions (SPEC.md
 * §13).
 */
import type { Label } from '../appliance.ts';
import type { EntryKind } from '../entry.ts';
import type { WriterLevel } from '../entry-fields.ts';
import { formatTai } from '../tai.ts';
import { labelOf, writerLevelOf } from './check-policy.ts';
import { tellRestore } from './check-restore.ts';
import { tellSources } from './check-time.ts';
import type { Action, Evidence } from './evidence.ts';
import type { Outcome, Question } from './finding.ts';
import { Finding, QUESTIONS } from './finding.ts';
import { quote } from './quote.ts';
import type { RemainingWindow } from './window.ts';
import { UNREAD_WINDOW, windowOf } from './window.ts';

export type Overall = 'VALID' | 'INVALID' | 'UNVERIFIABLE';
export type AnswerState = 'answered' | 'not answered' | 'not applicable';

/** One check's line. */
export interface CheckLine {
  readonly id: string;
  readonly question: Question;
  readonly outcome: Outcome;
  readonly text: string;
}

/** Whether a question is answered, and the answer or the reason in a sentence. */
export interface Answer {
  readonly state: AnswerState;
  readonly text: string;
}

/** The entry that the bundle is about. */
export interface SubjectSummary {
  readonly index: bigint;
  readonly kind: EntryKind;
  readonly leafHash: Uint8Array;
}

export interface Verdict {
  readonly overall: Overall;
  /** The weakest of the devices that the bundle leans on; null when it could not be read. */
  readonly label: Label | null;
  /** `VALID (emulated)`, `INVALID`, `UNVERIFIABLE`. */
  readonly headline: string;
  /** Name of the trust policy under which this holds. */
  readonly policy: string;
  readonly subject: SubjectSummary | null;
  /** For how long the log could part unseen around the subject, by what the TPM signed. */
  readonly window: RemainingWindow;
  readonly checks: readonly CheckLine[];
  readonly questions: Readonly<Record<Question, Answer>>;
}

/** INVALID if any check fails, else UNVERIFIABLE if any could not be made, else VALID. */
export function overallOf(lines: readonly CheckLine[], isDecoded: boolean): Overall {
  if (lines.some(({ outcome }) => outcome === 'fail')) return 'INVALID';
  if (!isDecoded || lines.some(({ outcome }) => outcome === 'unverifiable')) return 'UNVERIFIABLE';
  return 'VALID';
}

export function makeVerdict(
  policy: string,
  lines: readonly CheckLine[],
  evidence: Evidence | undefined,
): Verdict {
  const overall = overallOf(lines, evidence !== undefined);
  const label = evidence === undefined ? null : labelOrNull(evidence);
  const answers = QUESTIONS.map((question) => [question, answer(question, lines, evidence)]);
  return {
    overall,
    label,
    headline: overall === 'VALID' && label !== null ? `VALID (${label})` : overall,
    policy,
    subject: evidence === undefined ? null : summaryOf(evidence),
    window: evidence === undefined || overall === 'INVALID' ? UNREAD_WINDOW : windowOf(evidence),
    checks: lines,
    questions: Object.fromEntries(answers) as Record<Question, Answer>,
  };
}

/** A question is answered when every check of it passes; and nothing is in an invalid bundle. */
function answer(
  question: Question,
  lines: readonly CheckLine[],
  evidence: Evidence | undefined,
): Answer {
  const bad = lines.filter(({ outcome }) => outcome === 'fail' || outcome === 'unverifiable');
  const own = bad.find((line) => line.question === question);
  if (own !== undefined) return { state: 'not answered', text: own.text };
  const failure = bad.find(({ outcome }) => outcome === 'fail');
  if (failure !== undefined || evidence === undefined) {
    return {
      state: 'not answered',
      text: `the bundle is not valid: ${failure?.text ?? 'not read'}`,
    };
  }
  try {
    return ANSWERS[question](evidence);
  } catch (error) {
    // Only with checks left out, or a time beyond every calendar, can an answer lack what it needs.
    return { state: 'not answered', text: error instanceof Error ? error.message : String(error) };
  }
}

/** What the kernel can say of the process that wrote, by level. */
const WRITERS: Readonly<Record<WriterLevel, string>> = {
  credentials: 'the kernel named the writer by process id and user only',
  pidfd: 'the kernel named the writer by pidfd',
  'pidfd-inode': 'the kernel named the writer by pidfd and inode',
};

const ANSWERS: Readonly<Record<Question, (evidence: Evidence) => Answer>> = {
  who(evidence) {
    const enrolment = evidence.subjectEnrolment;
    if (enrolment === undefined) {
      return { state: 'not applicable', text: "the entry is the daemon's own, of no agent" };
    }
    const { agentId, owner, purpose } = enrolment.item.entry;
    const level = writerLevelOf(evidence);
    return answered(
      `the holder of the key of ${agentId}, enrolled with owner ${quote(owner)}, ` +
        `purpose ${quote(purpose)}${level === null ? '' : `; ${WRITERS[level]}`}`,
    );
  },
  what(evidence) {
    const action = evidence.subjectAction;
    return answered(
      action === undefined
        ? `a system entry of kind ${evidence.subject.entry.kind}`
        : whatOf(action),
    );
  },
  when(evidence) {
    const { taiNs, level, adversarialNs } = evidence.subject.entry.time;
    const at = formatTai(taiNs);
    if (level === 'UNKNOWN' || adversarialNs === null) {
      const text = `the clock said ${at}, level ${level}: with no bound on its error`;
      return { state: 'not answered', text };
    }
    const sources = tellSources(evidence);
    if (sources === null) {
      const text = `the ledger states ${at} ± ${adversarialNs} ns, and no evidence shows it`;
      return { state: 'not answered', text };
    }
    return answered(`${at} ± ${adversarialNs} ns, level ${level}, ${sources}`);
  },
  rules(evidence) {
    if (evidence.subjectAction === undefined) {
      return { state: 'not applicable', text: 'rules decide about actions only' };
    }
    return { state: 'not applicable', text: 'the entry says that no rules were in force' };
  },
  order(evidence) {
    const { subject, proof, coveringAnchor } = evidence;
    const anchor = coveringAnchor?.item.entry;
    const restored = evidence.restores.map((restore) => `; ${tellRestore(evidence, restore)}`);
    return answered(
      `entry ${subject.index} of ${proof.checkpoint.size}, ` +
        `before anchor ${anchor?.anchorSequence}, at TPM counter ${anchor?.counterExpected}` +
        restored.join(''),
    );
  },
};

function whatOf({ envelope }: Action): string {
  const tool = envelope.tool === undefined ? '' : ` of tool ${quote(envelope.tool.name)}`;
  const status = envelope.status === undefined ? '' : `, status ${envelope.status}`;
  const committed = envelope.commitments.map(({ field }) => field).join(', ') || 'nothing';
  return (
    `the agent states: ${envelope.kind} ${quote(envelope.operation)}${tool}${status}; ` +
    `coverage ${envelope.coverage}; committed to ${committed}`
  );
}

function answered(text: string): Answer {
  return { state: 'answered', text };
}

function summaryOf({ subject }: Evidence): SubjectSummary {
  return { index: subject.index, kind: subject.entry.kind, leafHash: subject.leafHash };
}

function labelOrNull(evidence: Evidence): Label | null {
  try {
    return labelOf(evidence);
  } catch (error) {
    if (error instanceof Finding) return null; // no genesis entry: a check's line says so
    throw error;
  }
}
