import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { connect } from '@kudurru/agent';
import { after, before, describe, it } from 'mocha';

import type { EnrolledAgent } from '../backends/control.ts';
import { Scenario, scenarioTimeoutMs, someAction } from './scenario.ts';

/** What may be damaged between two runs, and what the next one says of it. */
const damages: readonly (readonly [what: string, damage: (state: string) => void, said: RegExp])[] =
  [
    ['a snapshot with a changed byte', changeSnapshot, /snapshot '\d+\.snapshot' removed/u],
    ['no snapshot', removeFolder('snapshot'), /"replayedFrom":"the beginning"/u],
    ['a lookup file cut short', cutLookup, /lookup files are made again from the journal/u],
    ['no lookup files', removeFolder('lookup'), /lookup files are made again from the journal/u],
    ['a changed mark of tiles', changeMark, /published' was damaged: it is made again/u],
    ['no tiles', removeFolder('tile'), /"what":"ready"/u],
    ['stray temporary files', leaveStrays, /"replayedRecords":"?0"?[,}]/u],
  ];

describe('derived files that are damaged', function () {
  this.timeout(scenarioTimeoutMs);
  let scenario: Scenario;
  let enrolled: EnrolledAgent;

  before(async () => {
    scenario = await Scenario.start();
    enrolled = await scenario.enrol('honest');
    for (const label of ['one', 'two', 'three']) await act(label);
  });
  after(() => scenario.end());

  for (const [what, damage, said] of damages) {
    it(`are made again: ${what}`, async () => {
      const size = await scenario.size();
      const last = await scenario.entry(size - 1n);
      await scenario.appliance.daemon.stop();
      damage(scenario.appliance.state);
      const daemon = await scenario.appliance.start();
      assert.match(daemon.log, said);
      assert.deepEqual(await scenario.entry(size - 1n), last);
      assert.equal((await scenario.entriesOf('unclean-start')).length, 0);
      await act(what);
      await scenario.appliance.daemon.stop();
      await scenario.requireWhole();
      await scenario.appliance.start();
    });
  }

  it('say how the journal was read, and from where it was replayed', async () => {
    const { tailRead } = await scenario.status();
    assert.match(tailRead, /^(direct|dropped-cache)$/u);
    const { log } = scenario.appliance.daemon;
    assert.match(log, /"what":"journal opened","stoppedCleanly":true/u);
    assert.match(log, /"replayedFrom":"snapshot \d+"/u);
  });

  async function act(label: string): Promise<void> {
    await using agent = await connect({
      socketPath: scenario.appliance.agentSocket,
      ...enrolled,
    });
    await agent.submit([someAction(label)]);
  }
});

function changeSnapshot(state: string): void {
  const folder = join(state, 'snapshot');
  const [newest = ''] = readdirSync(folder).toSorted().toReversed();
  changeByte(join(folder, newest));
}

function changeMark(state: string): void {
  changeByte(join(state, 'lookup', 'published'));
}

function changeByte(path: string): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(4) ^ 1, 4);
  writeFileSync(path, bytes);
}

function cutLookup(state: string): void {
  truncateSync(join(state, 'lookup', 'groups'), 40);
}

function removeFolder(name: string): (state: string) => void {
  return (state) => rmSync(join(state, name), { recursive: true });
}

function leaveStrays(state: string): void {
  for (const name of ['journal/next.journal', 'snapshot/next.snapshot', 'lookup/published.new']) {
    writeFileSync(join(state, name), 'half of something');
  }
}
