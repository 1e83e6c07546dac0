import assert from 'node:assert/strict';

import { connect } from '@kudurru/agent';
import { verify } from '@kudurru/proof';
import { after, before, describe, it } from 'mocha';

import { Scenario, scenarioTimeoutMs, someAction } from './scenario.ts';

describe('the first path', function () {
  this.timeout(scenarioTimeoutMs);
  let scenario: Scenario;

  before(async () => {
    scenario = await Scenario.start();
  });
  after(() => scenario.end());

  it('leads from an action on the socket to a bundle that a stranger finds VALID', async () => {
    const enrolled = await scenario.enrol('walker');
    await using agent = await connect({
      socketPath: scenario.appliance.agentSocket,
      ...enrolled,
    });
    const { actions } = await agent.submit([someAction('one step'), someAction('another')]);
    const policy = await scenario.policy();
    for (const { index } of actions) {
      const verdict = await verify(await scenario.bundle(index), policy);
      const failed = verdict.checks.filter(({ outcome }) => outcome !== 'pass');
      assert.equal(verdict.overall, 'VALID', failed.map(({ text }) => text).join('; '));
    }
  });

  it('leaves files that are whole, while it runs and afterwards', async () => {
    await scenario.requireWhole();
    await scenario.appliance.stop();
    await scenario.requireWhole();
  });
});
