import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { type Tpm, TpmError, Tpm as OpenTpm, constants } from '@kudurru/tpm2-tss';
import { after, before, describe, it } from 'mocha';

import { defaultCounterIndex } from '../../daemon/src/hardware/device-settings.ts';
import { openAge, sshIdentity } from '../../daemon/test/provision/age-opener.ts';
import { makeOperatorKey } from '../backends/operator-key.ts';
import { kudurru } from './kudurru.ts';
import { makeScratchFolder, Scenario, scenarioTimeoutMs } from './scenario.ts';

const { owner, lockout } = constants.hierarchy;
/** TPM_RC_BAD_AUTH, of the first session (Part 2 §6.6.3). */
const badAuth = 0x9a2;

describe('custody of the TPM', function () {
  this.timeout(scenarioTimeoutMs);
  let scenario: Scenario;
  let folder: string;
  let tpm: Tpm;
  /** As for a box with a chip. */
  let config: string;

  before(async () => {
    folder = makeScratchFolder();
    config = join(folder, 'kudurru.toml');
    writeFileSync(config, 'profile = "hardware"\n');
    makeOperatorKey(folder, 'ana');
    makeOperatorKey(folder, 'ben', 'ecdsa');
    scenario = await Scenario.prepare();
    tpm = await OpenTpm.open(scenario.appliance.devices.tpm.tcti);
  });
  after(async () => {
    tpm.close();
    await scenario.end();
    rmSync(folder, { recursive: true });
  });

  it('is refused where no operator could open what is handed over', async () => {
    const { code, stderr } = await provision(['--operator', 'ben=ben.pub']);
    assert.equal(code, 1);
    assert.match(stderr, /recipient-missing.*ecdsa and FIDO2 keys only sign/u);
    const bad = await provision(['--operator', 'ben=ben.pub', '--age-recipient', 'age1x']);
    assert.match(bad.stderr, /operator-key-unusable/u);
  });

  it('is refused where somebody else has set an authorisation', async () => {
    const theirs = new Uint8Array(32).fill(7);
    await tpm.hierarchies.changeAuth(lockout, theirs);
    const { code, stderr } = await provision(['--operator', 'ana=ana.pub']);
    assert.equal(code, 1);
    assert.match(stderr, /authorisation-foreign/u);
    await tpm.hierarchies.changeAuth(lockout, new Uint8Array(0));
  });

  it('goes to the operators: what they open works, and nothing else does', async () => {
    const { code, stderr } = await provision(['--operator', 'ana=ana.pub', '--config', config]);
    assert.equal(code, 0, stderr);
    const index = await tpm.nv.find(defaultCounterIndex);
    assert(index !== undefined);
    await tpm.hierarchies.setAuth(owner, new Uint8Array(0));
    await tpm.hierarchies.setAuth(lockout, new Uint8Array(0));
    await assert.rejects(tpm.nv.undefine(index), refusedWith(badAuth));
    const daemon = await scenario.appliance.start({ flags: ['--config', config] });
    // Whatever the profile says, an emulator is one.
    assert.deepEqual(
      (await scenario.status()).devices.map(({ label }) => label),
      ['emulated', 'emulated'],
    );
    assert.deepEqual((await scenario.status()).custody.authorisationsSet, ['owner', 'lockout']);
    await daemon.stop();
    await tpm.hierarchies.setAuth(owner, opened('owner'));
    await tpm.nv.undefine(index);
    assert.equal(await tpm.nv.find(defaultCounterIndex), undefined);
    await tpm.hierarchies.setAuth(lockout, opened('lockout'));
    await tpm.hierarchies.resetLockout();
    await tpm.hierarchies.clearTpm();
  });

  it('leaves the values nowhere on the box', () => {
    const values = [opened('owner'), opened('lockout')].map((value) => Buffer.from(value));
    const forms = values.flatMap((value) => [
      value,
      Buffer.from(value.toString('hex')),
      Buffer.from(value.toString('base64')),
    ]);
    // The TPM's own state is its vendor's to protect.
    const files = filesOf(scenario.appliance.state).filter((file) => !file.includes('/tpm/'));
    assert(files.length > 10);
    for (const file of files) {
      const bytes = readFileSync(file);
      for (const form of forms) assert(!bytes.includes(form), file);
    }
  });

  async function provision(words: readonly string[]) {
    const all = ['provision', '--state', scenario.appliance.state, '--json', ...words];
    return kudurru(all, { currentFolder: folder });
  }

  function opened(hierarchy: string): Uint8Array {
    const file = join(scenario.appliance.state, 'handover', `${hierarchy}.age`);
    const identity = sshIdentity(readFileSync(join(folder, 'ana'), 'utf8'));
    const letter = openAge(readFileSync(file, 'utf8'), identity).toString();
    const [, hex = ''] = /^authorisation {2}hex:([0-9a-f]{64})$/mu.exec(letter) ?? [];
    return Uint8Array.from(Buffer.from(hex, 'hex'));
  }
});

function refusedWith(code: number) {
  return (error: unknown): boolean => error instanceof TpmError && error.code === code;
}

/** Regular files: no sockets. */
function filesOf(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.map((name) => join(folder, name)).filter((file) => statSync(file).isFile());
}
