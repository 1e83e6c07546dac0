/** The audit of a whole log, on what a real daemon and a software TPM made: what it must notice. */
import assert from 'node:assert/strict';

import { connect } from '@kudurru/agent';
import {
  decodeBase64,
  decodeEntry,
  encodeEntry,
  isAnchorEntry,
  LogAudit,
  type AnchorEntry,
  type LogEntry,
  type ReplayCode,
} from '@kudurru/proof';
import { before, describe, it } from 'mocha';

import { EvidenceAudit } from '../../daemon/cli/fsck/evidence-audit.ts';
import { FindingList } from '../../daemon/cli/fsck/finding.ts';
import { askJson } from '../backends/control.ts';
import { Scenario, scenarioTimeoutMs, someAction } from './scenario.ts';

const options = { flags: ['--anchor-interval-ms', '100'] };

describe('the replay of a log', function () {
  this.timeout(scenarioTimeoutMs);
  /** Boot entries and anchors of two TPM boots, and the genesis entry. */
  let log: readonly LogEntry[];

  before(async () => {
    const scenario = await Scenario.start(options);
    try {
      const enrolled = await scenario.enrol('replayed');
      const socketPath = scenario.appliance.agentSocket;
      await using agent = await connect({ socketPath, ...enrolled });
      const act = () => agent.submit([someAction('replayed')], { level: 'anchored' });
      for (let turn = 0; turn < 3; turn += 1) await act();
      await scenario.appliance.devices.tpm.powerCycle(false);
      for (let turn = 0; turn < 3; turn += 1) await act();
      log = await readLog(scenario);
    } finally {
      await scenario.end();
    }
  });

  it('leads to what the TPM attested, over a reset of the TPM', () => {
    assert.deepEqual(codesOf(log), []);
    assert.equal(log.filter(({ entry }) => decodeEntry(entry).kind === 'boot').length, 2);
    assert.ok(anchorsOf(log).length >= 6);
  });

  it('shows an anchor whose evidence is another', () => {
    const changed = (wanted: AnchorEntry['kind']) => {
      const [first] = anchorsOf(log).filter(({ anchor }) => anchor.kind === wanted);
      assert(first);
      const evidence = Uint8Array.from(first.anchor.evidence);
      evidence[evidence.length - 1] = (evidence.at(-1) ?? 0) ^ 1;
      return replaced(first.index, { ...first.anchor, evidence });
    };
    assert.deepEqual(codesOf(changed('anchor')), ['pcr-contradicts']);
    const both: ReplayCode[] = ['extend-index-contradicts', 'pcr-contradicts'];
    assert.deepEqual(codesOf(changed('counter-anchor')), both);
  });

  it('shows an anchor that was taken out, where the next one is bent to hide it', () => {
    const [, second, third] = anchorsOf(log);
    assert(second && third);
    const { previousAnchorIndex, previousAnchorLeafHash, anchorSequence } = second.anchor;
    const bent = { previousAnchorIndex, previousAnchorLeafHash, anchorSequence };
    const without = replaced(third.index, { ...third.anchor, ...bent });
    const codes = codesOf(without.filter(({ index }) => index !== second.index));
    assert.ok(codes.includes('pcr-contradicts'), codes.join());
  });

  it('shows an anchor that froze other last actions of agents than the log has', async () => {
    const [anchor] = anchorsOf(log);
    assert(anchor);
    const right = anchor.anchor.agentHeadsRoot;
    assert.deepEqual(await headFindings(anchor.index, right), []);
    const other = right.with(0, (right[0] ?? 0) ^ 1);
    assert.deepEqual(await headFindings(anchor.index, other), ['agent-heads-contradict']);
  });

  /** Of fsck, which is handed the root that the entries give. */
  async function headFindings(index: bigint, agentHeadsRoot: Uint8Array): Promise<string[]> {
    const findings = new FindingList();
    const audit = new EvidenceAudit(findings);
    const evidence = log
      .filter((each) => each.index <= index)
      .map((each) => ({
        ...{ isEntry: true, number: 0, file: 'journal', offset: 0n, record: 0n, root: null },
        ...{ index: each.index, leafHash: new Uint8Array(32), treeSize: each.index + 1n },
        ...{ bytes: each.entry, agentHeadsRoot: each.index === index ? agentHeadsRoot : null },
      }));
    await audit.take(evidence);
    return findings.list.map(({ code }) => code);
  }

  it('shows a TPM boot that no boot entry has, and one that comes after a later one', () => {
    const boots = log.filter(({ entry }) => decodeEntry(entry).kind === 'boot');
    const withoutBoot = log.filter((each) => each !== boots[1]);
    assert.deepEqual(codesOf(withoutBoot), ['pcr-contradicts']);
    const [genesis, first, ...rest] = log;
    assert(genesis && first && boots[1]);
    const codes = codesOf([genesis, boots[1], first, ...rest]);
    assert.ok(codes.includes('tpm-boot-contradicts'), codes.join());
  });

  function replaced(index: bigint, entry: AnchorEntry): LogEntry[] {
    return log.map((each) => (each.index === index ? { index, entry: encodeEntry(entry) } : each));
  }
});

async function readLog(scenario: Scenario): Promise<LogEntry[]> {
  const found: LogEntry[] = [];
  const size = await scenario.size();
  for (let index = 0n; index < size; index += 1n) {
    const path = `/v1/entries/${index}`;
    const { bytes } = await askJson<{ bytes: string }>(scenario.appliance.controlSocket, path);
    const entry = decodeBase64(bytes);
    const { kind } = decodeEntry(entry);
    if (['genesis', 'boot', 'anchor', 'counter-anchor'].includes(kind))
      found.push({ index, entry });
  }
  return found;
}

function anchorsOf(log: readonly LogEntry[]): { index: bigint; anchor: AnchorEntry }[] {
  return log.flatMap(({ index, entry }) => {
    const anchor = decodeEntry(entry);
    return isAnchorEntry(anchor) ? [{ index, anchor }] : [];
  });
}

/** Of all that the audit finds, each once, sorted. */
function codesOf(log: readonly LogEntry[]): ReplayCode[] {
  const [genesis, ...rest] = log;
  assert(genesis);
  const audit = new LogAudit(genesis.entry);
  const problems = rest.flatMap((each) => audit.replay(each));
  return [...new Set(problems.map(({ code }) => code))].sort();
}
