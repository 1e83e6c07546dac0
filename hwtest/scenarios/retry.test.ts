import assert from 'node:assert/strict';

import { after, before, describe, it } from 'mocha';

import type { EnrolledAgent } from '../backends/control.ts';
import { Scenario, scenarioTimeoutMs } from './scenario.ts';
import { freshBody, WireSession } from './wire-session.ts';

describe('a statement that is sent again', function () {
  this.timeout(scenarioTimeoutMs);
  let scenario: Scenario;
  let enrolled: EnrolledAgent;
  let session: WireSession;

  before(async () => {
    scenario = await Scenario.start();
    enrolled = await scenario.enrol('stubborn');
    session = await WireSession.open(scenario.appliance.agentSocket, enrolled);
  });
  after(async () => {
    session.client.destroy();
    await scenario.end();
  });

  it('gets the same receipt at once, and later, and adds nothing', async () => {
    const first = session.make({ bodies: [freshBody(), freshBody()] });
    session.client.send(first.frame);
    session.client.send(first.frame);
    const receipt = await session.receipt();
    assert.deepEqual(await session.receipt(), receipt);
    session.passed(first);
    await session.submit();
    const statements = await countStatements();
    session.client.send(first.frame);
    assert.deepEqual(await session.receipt(), receipt);
    assert.equal(await countStatements(), statements);
  });

  for (const end of ['stop', 'kill'] as const) {
    it(`gets the same receipt after a ${end}, in the session taken up again`, async () => {
      const statement = session.make({ bodies: [freshBody(), freshBody()] });
      session.client.send(statement.frame);
      const receipt = await session.receipt();
      session.passed(statement);
      const { sessionId } = session;
      await scenario.appliance.daemon[end]();
      await scenario.appliance.start();
      session = await session.resume(scenario.appliance.agentSocket, enrolled);
      assert.deepEqual(session.sessionId, sessionId);
      const statements = await countStatements();
      session.client.send(statement.frame);
      assert.deepEqual(await session.receipt(), receipt);
      assert.equal(await countStatements(), statements);
      await session.submit();
    });
  }

  it('is refused in another session', async () => {
    const other = await WireSession.open(scenario.appliance.agentSocket, enrolled);
    const statement = session.make();
    other.client.send(statement.frame);
    assert.equal((await other.client.refusal()).code, 'session-mismatch');
    await other.submit();
    other.client.destroy();
  });

  it('leaves files that are whole', () => scenario.requireWhole());

  async function countStatements(): Promise<number> {
    return (await scenario.entriesOf('statement')).length;
  }
});
