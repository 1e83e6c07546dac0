import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { formatTrustPolicy, type TrustPolicy } from '@kudurru/proof';
import { after, before, describe, it } from 'mocha';

import { ACCEPT_CASES } from '../../proof/test/corpus/accept.ts';

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

  it('refuses a policy with an unknown member as wrong use', () => {
    writeFileSync(join(folder, 'odd.json'), '{"version": 1, "trustEveryone": true}');
    const { status, stderr } = verify('bundle', '--policy', 'odd.json');
    assert.equal(status, 2);
    assert.match(stderr, /trustEveryone/u);
  });
});
