import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import type { RemainingWindow } from '../../src/verify/window.ts';
import { runVerification } from '../../src/verify/verify.ts';
import { ofCounted, resetTpm } from '../corpus/forged-case.ts';
import type { Exhibit } from '../corpus/scenario.ts';
import { exhibit, playScenario } from '../corpus/scenario.ts';
import { rememberingVerifier } from '../support/remembering-verifier.ts';

const options = { verifyBatch: rememberingVerifier() };

async function windowOf({ bytes, policy }: Exhibit): Promise<RemainingWindow> {
  return (await runVerification(bytes, policy, options)).window;
}

describe('the window that remains', () => {
  it('is what the TPM clock says from counter-anchor to counter-anchor', async () => {
    const between = async (ms: bigint): Promise<bigint> => {
      const made = await ofCounted(
        {},
        {
          between(ledger) {
            ledger.pass(ms);
            ledger.tpm.clockMs += ms;
          },
        },
      );
      const { ms: found, text } = await windowOf(made);
      assert.match(text, new RegExp(`^${found} ms by the TPM's clock`, 'u'));
      return found ?? -1n;
    };
    assert.equal((await between(7_000n)) - (await between(1_000n)), 6_000n);
  });

  it('is unknown where the bundle does not show both, and says which it lacks', async () => {
    const scenario = playScenario();
    const cases: readonly [RegExp, Promise<Exhibit>][] = [
      [/no counter-anchor that covers the entry/u, exhibit(scenario, scenario.intent)],
      [/no counter-anchor before the entry/u, exhibit(scenario, 2n)],
      [
        /the TPM was reset between counter-anchors/u,
        ofCounted({}, { between: (ledger) => resetTpm(ledger) }),
      ],
      [/the bundle is not valid/u, ofCounted({}, { between: ({ tpm }) => (tpm.counter += 1n) })],
    ];
    for (const [reason, made] of cases) {
      const { ms, text } = await windowOf(await made);
      assert.equal(ms, null, text);
      assert.match(text, reason);
      assert.match(text, /^unknown: /u);
    }
  });
});
