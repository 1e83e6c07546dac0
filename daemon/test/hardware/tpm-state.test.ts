import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { afterEach, beforeEach, describe, it } from 'mocha';

import { isKudurruError } from '../../src/base/errors.ts';
import {
  type PreparedTpm,
  type ProvisionedTpm,
  type TpmState,
  encodeTpmState,
  parseTpmState,
  readTpmState,
  writeTpmState,
} from '../../src/hardware/backends/tpm-state.ts';

const bytes = fc.uint8Array({ maxLength: 80 });

const prepared: fc.Arbitrary<PreparedTpm> = fc.record(
  {
    stage: fc.constant('prepared'),
    ledgerId: bytes,
    authValue: bytes,
  },
  { noNullPrototype: true },
);

const provisioned: fc.Arbitrary<ProvisionedTpm> = fc.record(
  {
    stage: fc.constant('provisioned'),
    ledgerId: bytes,
    authValue: bytes,
    ekPublic: bytes,
    akPublic: bytes,
    akPrivate: bytes,
    checkpointKeyPublic: bytes,
    checkpointKeyPrivate: bytes,
    creationData: bytes,
    creationHash: bytes,
    creationAttest: bytes,
    creationSignature: bytes,
    counterPublic: bytes,
    ekProfile: fc.string(),
    ekCertificates: fc.array(bytes, { maxLength: 3 }),
    counterBase: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    anchoring: fc.option(
      fc.record({ extendPublic: bytes, pcrIndex: fc.nat(15) }, { noNullPrototype: true }),
    ),
  },
  { noNullPrototype: true },
);

const anyState: fc.Arbitrary<TpmState> = fc.oneof(prepared, provisioned);

describe('stored TPM state', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'kudurru-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is read back as it was written', () => {
    fc.assert(
      fc.property(anyState, (state) => {
        assert.deepEqual(parseTpmState(encodeTpmState(state)), state);
      }),
    );
  });

  it('is refused when it is cut anywhere before its closing brace', () => {
    fc.assert(
      fc.property(anyState, fc.nat(), (state, cut) => {
        const text = encodeTpmState(state).trimEnd();
        assert.throws(() => parseTpmState(text.slice(0, cut % text.length)));
      }),
    );
  });

  it('is refused with a field missing, added, or of another kind', () => {
    fc.assert(
      fc.property(anyState, fc.nat(), (state, pick) => {
        const fields = JSON.parse(encodeTpmState(state)) as Record<string, unknown>;
        const names = Object.keys(fields);
        const name = names[pick % names.length] ?? '';
        const { [name]: _, ...without } = fields;
        for (const changed of [without, { ...fields, [name]: null }, { ...fields, other: '' }]) {
          assert.throws(() => parseTpmState(JSON.stringify(changed)), name);
        }
      }),
    );
  });

  it('is read as a version that extended nothing wrote it', () => {
    const [state] = fc.sample(provisioned, 1);
    assert(state);
    const older = encodeTpmState({ ...state, anchoring: null });
    assert.match(older, /"version": 1,/u);
    assert.equal(older.includes('extendPublic'), false);
    assert.deepEqual(parseTpmState(older), { ...state, anchoring: null });
  });

  it('is refused with a PCR that software can reset', () => {
    const [state] = fc.sample(provisioned, 1);
    assert(state);
    for (const pcrIndex of [16, -1, 1.5]) {
      const anchoring = { extendPublic: new Uint8Array(14), pcrIndex };
      assert.throws(() => parseTpmState(encodeTpmState({ ...state, anchoring })), /pcrIndex/u);
    }
  });

  it('is refused, whatever the text', () => {
    fc.assert(fc.property(fc.json(), (text) => assert.throws(() => parseTpmState(text))));
  });

  it('is a file for its owner alone, and nothing besides', () => {
    const [state] = fc.sample(provisioned, 1);
    assert(state);
    assert.equal(readTpmState(folder), undefined);
    writeTpmState(folder, {
      stage: 'prepared',
      ledgerId: state.ledgerId,
      authValue: state.authValue,
    });
    writeTpmState(folder, state);
    assert.deepEqual(readTpmState(folder), state);
    assert.deepEqual(readdirSync(folder), ['tpm.json']);
    assert.equal(statSync(join(folder, 'tpm.json')).mode & 0o777, 0o600);
  });

  it('names the file that cannot be used', () => {
    writeFileSync(join(folder, 'tpm.json'), '{}');
    assert.throws(
      () => readTpmState(folder),
      (error) =>
        isKudurruError(error, 'device-state-unreadable') && error.message.includes('tpm.json'),
    );
  });
});
