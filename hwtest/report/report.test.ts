import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, it } from 'mocha';

import { capabilities } from '../contract/suite.ts';
import type { SuiteReport } from './collect.ts';

const program = fileURLToPath(new URL('main.ts', import.meta.url));

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where no real device is configured. */
function hwtest(...words: readonly string[]): Ended {
  const env = { PATH: process.env['PATH'] };
  return spawnSync(process.execPath, [program, ...words], { env, encoding: 'utf8' });
}

describe('report of the contracts', function () {
  this.timeout(60_000);

  it('says what is pending on a device that is not here, and why', () => {
    const folder = mkdtempSync(join(tmpdir(), 'kudurru-'));
    const file = join(folder, 'report.json');
    const { status, stdout, stderr } = hwtest('TPM chip', 'HSM', '--json', file);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^signing token +HSM +hardware +0 +0 +1$/mu);
    const { version, suites } = JSON.parse(readFileSync(file, 'utf8')) as {
      readonly version: number;
      readonly suites: readonly SuiteReport[];
    };
    rmSync(folder, { recursive: true });
    assert.equal(version, 1);
    for (const { backend, label, passed, failed, pending, pendings } of suites) {
      assert.equal(label, 'hardware');
      assert.deepEqual([passed, failed, pending], [0, 0, 1]);
      const variable = backend === 'HSM' ? 'KUDURRU_HWTEST_PKCS11' : 'KUDURRU_HWTEST_TPM';
      assert(pendings[0]?.reason.includes(variable));
    }
    const contracts = suites.map(({ contract }) => contract);
    for (const contract of ['attestation device', 'anchor registers', 'signing token']) {
      assert(contracts.includes(contract), contract);
    }
  });

  it('fails where hardware is required and none is here', () => {
    const { status, stderr } = hwtest('HSM', '--require-hardware');
    assert.equal(status, 1);
    assert.match(stderr, /no test passed on hardware/u);
  });

  it('refuses a backend that is not one, and lists them in its page', () => {
    const { status, stderr } = hwtest('abacus');
    assert.equal(status, 2);
    assert.match(stderr, /no backend 'abacus'/u);
    const { stdout } = hwtest('--help');
    for (const name of Object.keys(capabilities.backends)) assert(stdout.includes(name), name);
  });
});
