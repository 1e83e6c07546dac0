import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';

import { describe, it } from 'mocha';

import { attestationBackends } from './attestation-backends.ts';
import { ABILITIES, capabilities } from './suite.ts';

describe('capabilities of the benches', () => {
  it('are declared for every backend, under its own label', () => {
    for (const { name, label } of attestationBackends) {
      assert.equal(capabilities.backends[name]?.label, label, name);
    }
  });

  it('name abilities that a test needs, and give the reason where one lacks', () => {
    const texts = readdirSync(import.meta.dirname)
      .filter((name) => name.endsWith('.test.ts') && name !== 'suite.test.ts')
      .map((name) => readFileSync(new URL(name, import.meta.url), 'utf8'));
    for (const ability of ABILITIES) {
      assert(
        texts.some((text) => text.includes(`'${ability}'`)),
        ability,
      );
    }
    for (const [name, { lacks }] of Object.entries(capabilities.backends)) {
      for (const [ability, reason] of Object.entries(lacks)) {
        assert((ABILITIES as readonly string[]).includes(ability), `${name}: ${ability}`);
        assert(reason.length > 0);
      }
    }
  });
});
