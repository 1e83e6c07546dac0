import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { formatTrustPolicy, type TrustPolicy } from '@kudurru/proof';
import { after, before, describe, it } from 'mocha';

import { formatGrown } from '../../cli/consistency.ts';
import { ACCEPT_CASES } from '../../proof/test/corpus/accept.ts';
import { playScenario } from '../../proof/test/corpus/scenario.ts';

const program = fileURLToPath(new URL('../../cli/kudurru.ts', import.meta.url));

describe('kudurru verify', () => {
  let folder: string;
  let bundle: Uint8Array;
  let policy: TrustPolicy;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-verify-'));
    const [accepted] = ACCEPT_CASES;
    assert.ok(accepted !== undefined);
    ({ bytes: bundle, policy } = await accepted.make());
    writeFileSync(join(folder, 'bundle'), bundle);
    writeFileSync(join(folder, 'trust.json'), formatTrustPolicy(policy));
  });

  after(() => rmSync(folder, { recursive: true }));

  /** In a folder with nothing else, with no environment at all. */
  function verify(...words: string[]): { status: number | null; stdout: string; stderr: string } {
    return spawnSync(process.execPath, [program, 'verify', ...words], {
      cwd: folder,
      env: {},
      encoding: 'utf8',
    });
  }

  it('prints the verdict, the answers and the checks of a valid bundle', () => {
    const { status, stdout, stderr } = verify('bundle', '--policy', 'trust.json');
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^VALID \(emulated\) under the trust policy "corpus"\nentry \d+, action/);
    for (const question of ['WHO', 'WHAT', 'WHEN', 'RULES', 'ORDER']) {
      assert.match(stdout, new RegExp(`^${question} +(?:not )?(?:answered|applicable): `, 'mu'));
    }
    assert.match(stdout, /^ {2}ok {3}order\.inclusion: /mu);
    assert.match(stdout, /\nWindow that remains: (?:unknown: |\d+ ms )/u);
    assert.match(stdout, /\nNot answered: when\.\n$/u);
  });

  it('says INVALID and why, with exit code 1', () => {
    const at = bundle.length - 40;
    writeFileSync(join(folder, 'forged'), bundle.with(at, (bundle[at] ?? 0) ^ 1));
    const { status, stdout } = verify('forged', '--policy', 'trust.json');
    assert.equal(status, 1);
    assert.match(stdout, /^INVALID /u);
    assert.match(stdout, /^ {2}FAIL /mu);
  });

  it('says UNVERIFIABLE under a policy that asks for more, with exit code 3', () => {
    const strict = { ...policy, acceptLabels: ['hardware'] as const };
    writeFileSync(join(folder, 'strict.json'), formatTrustPolicy(strict));
    const { status, stdout } = verify('bundle', '--policy', 'strict.json', '--json');
    assert.equal(status, 3);
    assert.equal((JSON.parse(stdout) as { overall: string }).overall, 'UNVERIFIABLE');
  });

  it('compares what two people were handed', async () => {
    const { ledger } = playScenario();
    const fork = playScenario({}, { beforeSession: (other) => other.alarm() }).ledger;
    const oldSize = ledger.size - 2n;
    const checkpoint = ledger.checkpoint();
    const path = await ledger.source().consistencyProof(oldSize);
    const files = {
      mine: checkpoint,
      older: ledger.checkpoint(ledger.head(oldSize)),
      grown: formatGrown({ oldSize, path, checkpoint }),
      yours: fork.checkpoint(fork.head(ledger.size)),
    };
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
    const of = (...words: string[]): [number | null, string] => {
      const { status, stdout } = verify(...words, '--policy', 'trust.json');
      return [status, stdout.split('\n')[0] ?? ''];
    };
    const under = 'under the trust policy "corpus"';
    assert.deepEqual(of('mine', 'mine'), [0, `VALID: consistent ${under}`]);
    assert.deepEqual(of('mine', 'bundle'), [0, `VALID: consistent ${under}`]);
    assert.deepEqual(of('older', 'mine'), [3, `UNVERIFIABLE ${under}`]);
    assert.deepEqual(of('older', 'grown'), [0, `VALID: consistent ${under}`]);
    assert.deepEqual(of('mine', 'older', '--proof', 'grown'), [0, `VALID: consistent ${under}`]);
    assert.deepEqual(of('bundle', 'yours'), [1, `INVALID: equivocation ${under}`]);
    const shown = verify('mine', 'yours', '--policy', 'trust.json').stdout;
    assert.match(shown, /^A is checkpoint "mine", of a log of \d+ entries: /mu);
    assert.match(shown, /^ {2}FAIL two trees of \d+ entries, both signed by the log key/mu);
    const { stdout } = verify('mine', 'yours', '--policy', 'trust.json', '--json');
    const json = JSON.parse(stdout) as { overall: string; contradictions: string[] };
    assert.deepEqual([json.overall, json.contradictions.length], ['INVALID', 1]);
    assert.equal(verify('mine', 'older', '--proof', 'mine', '--policy', 'trust.json').status, 2);
    assert.equal(verify('mine', 'older', 'grown', '--policy', 'trust.json').status, 2);
  });

  it('refuses a policy with an unknown member as wrong use', () => {
    writeFileSync(join(folder, 'odd.json'), '{"version": 1, "trustEveryone": true}');
    const { status, stderr } = verify('bundle', '--policy', 'odd.json');
    assert.equal(status, 2);
    assert.match(stderr, /trustEveryone/u);
  });
});
