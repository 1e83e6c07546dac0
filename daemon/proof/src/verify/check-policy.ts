/** What the reader's trust policy pins and asks: less than it asks is unverifiable, not invalid. */
import { weakestLabel } from '../appliance.ts';
import type { Label } from '../appliance.ts';
import { encodeHex, equalBytes } from '../bytes.ts';
import type { WriterLevel } from '../entry-fields.ts';
import { TIME_LEVELS, WRITER_LEVELS } from '../entry-fields.ts';
import { COVERAGES } from '../envelope.ts';
import { formatVerifierKey } from '../note.ts';
import type { Evidence } from './evidence.ts';
import { skipped, unverifiable } from './finding.ts';

export function checkLedger({ genesis, policy }: Evidence): string {
  if (equalBytes(genesis.ledgerId, policy.ledgerId)) {
    return `the ledger is the policy's, ${encodeHex(policy.ledgerId).slice(0, 16)}…`;
  }
  const found = encodeHex(genesis.ledgerId);
  throw unverifiable(`the bundle is of ledger ${found}, for which the policy does not speak`);
}

export function checkOrigin({ genesis, policy }: Evidence): string {
  const { origin } = genesis.provisioning;
  if (origin === policy.origin) return `the log is '${origin}'`;
  throw unverifiable(`the log is '${origin}', the policy speaks for '${policy.origin}'`);
}

export function checkLogKey({ genesis, policy }: Evidence): string {
  if (genesis.item.entry.logKey === policy.logKey) return "genesis names the policy's log key";
  const found = formatVerifierKey(genesis.logKey);
  throw unverifiable(`genesis names the log key '${found}', not the policy's`);
}

export function checkAppliance({ genesis, policy }: Evidence): string {
  const number = genesis.item.entry.appliance;
  const trusted = policy.appliances.find((appliance) => appliance.number === number);
  const id = encodeHex(genesis.applianceId);
  if (trusted === undefined) throw unverifiable(`the policy names no appliance ${number}`);
  if (!equalBytes(trusted.id, genesis.applianceId)) {
    throw unverifiable(`appliance ${number} is ${id}, not the one that the policy names`);
  }
  if (trusted.label !== genesis.document.label) {
    const found = genesis.document.label;
    throw unverifiable(`appliance ${number} is ${found}, the policy expects ${trusted.label}`);
  }
  return `appliance ${number} is the policy's, ${id.slice(0, 16)}…`;
}

/** The weakest label of any device that the bundle leans on. */
export function labelOf({ genesis, items }: Evidence): Label {
  const labels: Label[] = items.flatMap(({ entry }) =>
    entry.kind === 'boot' ? [entry.attestationLabel, entry.tokenLabel] : [],
  );
  return weakestLabel([genesis.document.label, genesis.document.tokenLabel, ...labels]);
}

export function checkLabel(evidence: Evidence): string {
  const label = labelOf(evidence);
  const { acceptLabels } = evidence.policy;
  if (acceptLabels.includes(label)) {
    const limit = label === 'hardware' ? '' : ': their state can be copied and set back unseen';
    return `devices are ${label}, which the policy accepts${limit}`;
  }
  const accepted = acceptLabels.length === 0 ? 'none' : acceptLabels.join(', ');
  throw unverifiable(`devices are ${label}; the policy accepts ${accepted}`);
}

export function checkWriterLevel(evidence: Evidence): string {
  const level = writerLevelOf(evidence);
  if (level === null) throw skipped('the entry came from no writer');
  const { minimumWriterLevel } = evidence.policy;
  return requireLevel(WRITER_LEVELS, "the kernel's word on the writer is", [
    level,
    minimumWriterLevel,
  ]);
}

/**
 * How well the kernel told the subject's writer: the weakest level of the entry, of the session
 * that it is in, where the writer was first named, and of the run of the daemon that asked.
 */
export function writerLevelOf({ subject: { entry }, items }: Evidence): WriterLevel | null {
  if (!('writerLevel' in entry)) return null;
  const places = [entry.time.bootIndex, 'sessionIndex' in entry ? entry.sessionIndex : -1n];
  const levels = items
    .filter(({ index }) => places.includes(index))
    .flatMap(({ entry: other }) => ('writerLevel' in other ? [other.writerLevel] : []));
  const ranks = [entry.writerLevel, ...levels].map((level) => WRITER_LEVELS.indexOf(level));
  return WRITER_LEVELS[Math.min(...ranks)] ?? null;
}

export function checkCoverage({ subjectAction, policy }: Evidence): string {
  if (subjectAction === undefined) throw skipped('the entry is not an action');
  return requireLevel(COVERAGES, 'the agent states the coverage', [
    subjectAction.envelope.coverage,
    policy.minimumCoverage,
  ]);
}

/** A level that no evidence of named sources shows is the ledger's word: it counts for none. */
export function checkTimeLevel(evidence: Evidence): string {
  const { level, timeEvidenceIndex } = evidence.subject.entry.time;
  const isShown = evidence.timeEvidenceAt(timeEvidenceIndex) !== undefined;
  const { minimumTimeLevel } = evidence.policy;
  if (isShown || level === 'UNKNOWN') {
    return requireLevel(TIME_LEVELS, 'the level is', [level, minimumTimeLevel]);
  }
  const words = `the ledger states ${level} and no evidence shows it: the level is`;
  return requireLevel(TIME_LEVELS, words, ['UNKNOWN', minimumTimeLevel]);
}

function requireLevel<T extends string>(
  ladder: readonly T[],
  words: string,
  [found, minimum]: readonly [T, T],
): string {
  const text = `${words} ${found}`;
  if (ladder.indexOf(found) >= ladder.indexOf(minimum)) return text;
  throw unverifiable(`${text}; the policy asks for ${minimum} at least`);
}
