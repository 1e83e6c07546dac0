/** Under what rules: the decision that stands in the entry. */
import type { Evidence } from './evidence.ts';
import { skipped, unverifiable } from './finding.ts';

export function checkDecision({ subject }: Evidence): string {
  const { entry } = subject;
  if (entry.kind !== 'action') throw skipped('the entry is not an action');
  if (entry.decision.verdict === 'none') return 'the entry says that no rules were in force';
  const { decision, ruleSetIndex } = entry;
  throw unverifiable(
    `the decision is ${decision.verdict} under rule set ${ruleSetIndex}; ` +
      'version 1 cannot re-compute it',
  );
}
