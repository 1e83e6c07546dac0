import assert from 'node:assert/strict';
import { describe, it } from 'mocha';

import { weakestLabel, isEmulatorManufacturer } from '../src/appliance.ts';
import {
  decodeProvisioningRecord,
  encodeProvisioningRecord,
  formatAgentId,
  parseAgentId,
} from '../src/identifier.ts';
import { seed } from './corpus/keys.ts';

const invalid = { code: 'entry-invalid' };

describe('identifier', () => {
  it('agent ids are SPIFFE ids of one form', () => {
    const id = formatAgentId('ledger.example', 'clerk-7');
    assert.equal(id, 'spiffe://ledger.example/agent/clerk-7');
    assert.deepEqual(parseAgentId(id), { trustDomain: 'ledger.example', name: 'clerk-7' });
    for (const name of ['', '-a', '.a', 'A', 'a b', 'a/b', 'a'.repeat(65)]) {
      assert.throws(() => formatAgentId('ledger.example', name), invalid, name);
    }
    for (const bad of ['spiffe://x/operator/a', 'spiffe:///agent/a', 'spiffe://x/agent/a/b']) {
      assert.throws(() => parseAgentId(bad), invalid, bad);
    }
  });

  it('provisioning records survive encoding', () => {
    const record = {
      version: 1 as const,
      origin: 'ledger.example/log',
      trustDomain: 'ledger.example',
      operators: [{ name: 'ada', sshPublicKey: 'ssh-ed25519 AAAA' }],
      nonce: seed('nonce'),
    };
    assert.deepEqual(decodeProvisioningRecord(encodeProvisioningRecord(record)), record);
    assert.throws(() => encodeProvisioningRecord({ ...record, origin: 'Ledger' }), invalid);
  });

  it('labels fall to the weakest, and emulators are known by their maker', () => {
    assert.equal(weakestLabel(['hardware', 'simulated', 'emulated']), 'simulated');
    assert.equal(weakestLabel(['hardware']), 'hardware');
    assert.ok(isEmulatorManufacturer('IBM') && isEmulatorManufacturer('IBM '));
    assert.ok(!isEmulatorManufacturer('IFX'));
  });
});
