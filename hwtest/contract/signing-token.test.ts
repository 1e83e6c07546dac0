/** The contract of SigningToken. Signatures are checked by node:crypto, with the key it gives. */
import assert from 'node:assert/strict';
import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { after, before, it } from 'mocha';

import { type DeviceHelper, startDeviceHelper } from '../../daemon/devices/client.ts';
import type { SigningTokenDescription } from '../../daemon/src/hardware/device-description.ts';
import { DeviceError } from '../../daemon/src/hardware/device-error.ts';
import {
  type TokenSettings,
  defaultCounterIndex,
  defaultExtendIndex,
} from '../../daemon/src/hardware/device-settings.ts';
import type { DeviceProvisioning } from '../../daemon/src/hardware/provisioning.ts';
import type { SigningToken } from '../../daemon/src/hardware/signing-token.ts';
import { prepareSofthsm } from '../backends/softhsm.ts';
import { type Ability, type Backend, describeContract, needs } from './suite.ts';

/** What a test bench can do to the token itself. */
interface TokenAbilities {
  /** As if it was pulled out, and put back. */
  takeAway(): void;
  giveBack(): void;
  /** Another token with the same label beside it. */
  addNamesake(): Promise<void>;
}

interface TokenBench {
  readonly settings: TokenSettings;
  readonly abilities: TokenAbilities | undefined;
  open(settings: TokenSettings): DeviceHelper;
  close(): Promise<void>;
}

interface TokenBackend extends Backend {
  make(): Promise<TokenBench>;
}

const timeoutMs = 20_000;
const ledgerId = Uint8Array.from(Buffer.alloc(32, 0x11));
const context = Buffer.from('scope of the contract tests');

/** A PKCS#11 module is used in the device helper only, and never loaded into this process. */
function openHelper(token: TokenSettings, environment: Record<string, string>): DeviceHelper {
  const tpm = {
    label: 'emulated',
    tcti: 'none',
    folder: '/none',
    counterIndex: defaultCounterIndex,
    extendIndex: defaultExtendIndex,
    anchorPcr: 14,
    soleUser: true,
  } as const;
  return startDeviceHelper({ tpm, token, environment });
}

async function makeSofthsm(): Promise<TokenBench> {
  const folder = mkdtempSync(join(tmpdir(), 'kudurru-'));
  const { module, tokenLabel, pinFile, environment } = await prepareSofthsm(folder, 'contract');
  return {
    // On purpose: an emulator must be labelled as one whatever is configured.
    settings: { label: 'hardware', module, tokenLabel, pinFile },
    abilities: {
      takeAway: () => renameSync(join(folder, 'token'), join(folder, 'away')),
      giveBack: () => renameSync(join(folder, 'away'), join(folder, 'token')),
      async addNamesake() {
        const other = join(folder, 'other');
        await prepareSofthsm(other, 'contract');
        for (const name of readdirSync(join(other, 'token'))) {
          renameSync(join(other, 'token', name), join(folder, 'token', name));
        }
      },
    },
    open: (settings) => openHelper(settings, { ...environment }),
    async close() {
      rmSync(folder, { recursive: true });
    },
  };
}

const {
  KUDURRU_HWTEST_PKCS11: realModule,
  KUDURRU_HWTEST_TOKEN_LABEL: realLabel,
  KUDURRU_HWTEST_TOKEN_PIN_FILE: realPinFile,
} = process.env;

async function makeReal(): Promise<TokenBench> {
  return {
    settings: {
      label: 'hardware',
      module: realModule ?? '',
      tokenLabel: realLabel ?? '',
      pinFile: realPinFile ?? '',
    },
    abilities: undefined,
    open: (settings) => openHelper(settings, {}),
    close: () => Promise.resolve(),
  };
}

const backends: readonly TokenBackend[] = [
  { name: 'SoftHSM', label: 'emulated', missing: undefined, make: makeSofthsm },
  {
    name: 'HSM',
    label: 'hardware',
    missing:
      realModule !== undefined && realLabel !== undefined && realPinFile !== undefined
        ? undefined
        : 'set KUDURRU_HWTEST_PKCS11 to the module, KUDURRU_HWTEST_TOKEN_LABEL and ' +
          'KUDURRU_HWTEST_TOKEN_PIN_FILE to an empty, initialised token; the test keys stay in it',
    make: makeReal,
  },
];

function deviceError(code: string): (error: unknown) => boolean {
  return (error) => {
    assert(error instanceof DeviceError, String(error));
    assert.equal(error.code, code, error.message);
    assert.equal(error.deviceMayHaveChanged, false);
    return true;
  };
}

function logKeyOf(description: SigningTokenDescription): ReturnType<typeof createPublicKey> {
  const x = Buffer.from(description.logPublicKey).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}

for (const backend of backends) contract(backend);

function contract(backend: TokenBackend): void {
  describeContract('signing token', backend, () => {
    let bench: TokenBench;
    let helper: DeviceHelper;
    let token: SigningToken & DeviceProvisioning;
    before(async () => {
      bench = await backend.make();
      helper = bench.open(bench.settings);
      token = helper.signingToken;
    });
    after(async () => {
      await helper.close();
      await bench.close();
    });

    it('has no keys before it is provisioned', async () => {
      await assert.rejects(token.sign(context, timeoutMs), deviceError('device-mismatch'));
    });

    it('describes itself, labelled by its manufacturer', async () => {
      await token.provision(ledgerId, timeoutMs);
      const description = await token.describe(timeoutMs);
      assert.equal(description.label, backend.label);
      assert.equal(description.tokenLabel, bench.settings.tokenLabel);
      assert.notEqual(description.serial, '');
      assert.deepEqual(description.ledgerId, ledgerId);
      assert.equal(description.logPublicKey.length, 32);
    });

    uses(() => token);
    refuses(() => ({ bench, token }));
    comesBack(backend, () => ({ bench, token }));
  });
}

function uses(current: () => SigningToken & DeviceProvisioning): void {
  it('signs with the log key', async () => {
    const token = current();
    const key = logKeyOf(await token.describe(timeoutMs));
    for (const size of [1, 200, 70_000]) {
      const message = randomBytes(size);
      const signature = await token.sign(message, timeoutMs);
      assert.equal(signature.length, 64);
      assert(verify(null, message, key, signature));
      assert(!verify(null, Buffer.concat([message, Buffer.of(0)]), key, signature));
    }
  });

  it('refuses an empty message, and signs the next', async () => {
    const token = current();
    const empty = token.sign(new Uint8Array(0), timeoutMs);
    await assert.rejects(empty, deviceError('value-out-of-range'));
    assert.equal((await token.sign(context, timeoutMs)).length, 64);
  });

  it('signs for many callers at once', async () => {
    const token = current();
    const key = logKeyOf(await token.describe(timeoutMs));
    const messages = Array.from({ length: 64 }, (_, i) => Buffer.from(`message ${i}`));
    const signatures = await Promise.all(messages.map((each) => token.sign(each, timeoutMs)));
    messages.forEach((message, i) => {
      assert(verify(null, message, key, signatures[i] ?? Buffer.of()));
    });
  });

  it('wraps a key, and unwraps it for the same context only', async () => {
    const token = current();
    for (const size of [16, 32, 64]) {
      const key = Uint8Array.from(randomBytes(size));
      const wrapped = await token.wrap(key, context, timeoutMs);
      assert(!Buffer.from(wrapped).includes(Buffer.from(key)));
      assert.notDeepEqual(await token.wrap(key, context, timeoutMs), wrapped);
      assert.deepEqual(await token.unwrap(wrapped, context, timeoutMs), key);
      const elsewhere = token.unwrap(wrapped, Buffer.from('another scope'), timeoutMs);
      await assert.rejects(elsewhere, deviceError('device-refused'));
    }
  });

  it('refuses a wrapped key with any byte altered, or cut', async () => {
    const token = current();
    const wrapped = await token.wrap(randomBytes(32), context, timeoutMs);
    for (let i = 0; i < wrapped.length; i += 1) {
      const altered = Uint8Array.from(wrapped);
      altered[i] = (altered[i] ?? 0) ^ 0x01;
      const attempt = token.unwrap(altered, context, timeoutMs);
      await assert.rejects(attempt, deviceError('device-refused'), `byte ${i}`);
      const cut = token.unwrap(wrapped.subarray(0, i), context, timeoutMs);
      await assert.rejects(cut, deviceError('device-refused'), `cut at ${i}`);
    }
  });
}

function comesBack(
  backend: TokenBackend,
  current: () => { bench: TokenBench; token: SigningToken & DeviceProvisioning },
): void {
  const given = (
    ability: Ability,
    title: string,
    test: (abilities: TokenAbilities) => Promise<void>,
  ): void => {
    const run = async (): Promise<void> => {
      const { abilities } = current().bench;
      assert(abilities);
      await test(abilities);
    };
    needs(backend, ability, { title, run });
  };

  given('take-away', 'is found again, keys and all, after it was taken away', async (abilities) => {
    const { token } = current();
    const { logPublicKey } = await token.describe(timeoutMs);
    const wrapped = await token.wrap(ledgerId, context, timeoutMs);
    for (let turn = 0; turn < 2; turn += 1) {
      abilities.takeAway();
      const away = Array.from({ length: 8 }, () => token.sign(context, timeoutMs));
      const outcomes = await Promise.allSettled(away);
      abilities.giveBack();
      for (const outcome of outcomes) {
        assert.equal(outcome.status, 'rejected');
        assert(deviceError('device-missing')(outcome.reason));
      }
      const back = Array.from({ length: 8 }, () => token.sign(context, timeoutMs));
      for (const signature of await Promise.all(back)) assert.equal(signature.length, 64);
      assert.deepEqual((await token.describe(timeoutMs)).logPublicKey, logPublicKey);
      assert.deepEqual(await token.unwrap(wrapped, context, timeoutMs), ledgerId);
    }
  });

  given('namesake', 'is told by its serial from another of the same label', async (abilities) => {
    const { bench, token } = current();
    const { serial: tokenSerial } = await token.describe(timeoutMs);
    await abilities.addNamesake();
    const byLabel = bench.open(bench.settings);
    await assert.rejects(
      byLabel.signingToken.sign(context, timeoutMs),
      deviceError('device-mismatch'),
    );
    await byLabel.close();
    const bySerial = bench.open({ ...bench.settings, tokenSerial });
    assert.equal((await bySerial.signingToken.describe(timeoutMs)).serial, tokenSerial);
    await bySerial.close();
  });
}

function refuses(
  current: () => {
    readonly bench: TokenBench;
    readonly token: SigningToken & DeviceProvisioning;
  },
): void {
  it('is provisioned again without a change, also by another process', async () => {
    const { bench, token } = current();
    const before = await token.describe(timeoutMs);
    const other = bench.open(bench.settings);
    await other.signingToken.provision(ledgerId, timeoutMs);
    assert.deepEqual(await other.signingToken.describe(timeoutMs), before);
    await other.close();
  });

  it('refuses another ledger', async () => {
    const attempt = current().token.provision(Buffer.alloc(32, 0x22), timeoutMs);
    await assert.rejects(attempt, deviceError('device-holds-another-ledger'));
  });

  const cases: readonly [string, string, (settings: TokenSettings) => TokenSettings][] = [
    ['a module that is not there', 'device-missing', (s) => ({ ...s, module: '/none.so' })],
    ['a token that is not there', 'device-missing', (s) => ({ ...s, tokenLabel: 'none' })],
    ['a serial that is not there', 'device-missing', (s) => ({ ...s, tokenSerial: 'none' })],
    ['a PIN file that is not there', 'device-missing', (s) => ({ ...s, pinFile: '/none' })],
  ];
  for (const [what, code, change] of cases) {
    it(`says that the token is missing: ${what}`, async () => {
      const { bench } = current();
      const helper = bench.open(change(bench.settings));
      await assert.rejects(helper.signingToken.sign(context, timeoutMs), deviceError(code));
      await helper.close();
    });
  }

  it('refuses a PIN file that others can read', async () => {
    const { bench } = current();
    const folder = mkdtempSync(join(tmpdir(), 'kudurru-'));
    const pinFile = join(folder, 'pin');
    writeFileSync(pinFile, 'irrelevant');
    chmodSync(pinFile, 0o644);
    const helper = bench.open({ ...bench.settings, pinFile });
    const attempt = helper.signingToken.sign(context, timeoutMs);
    await assert.rejects(attempt, deviceError('device-missing'));
    await helper.close();
    rmSync(folder, { recursive: true });
  });

  it('reports a wrong PIN, and does not send it again', async () => {
    const { bench } = current();
    const folder = mkdtempSync(join(tmpdir(), 'kudurru-'));
    const pinFile = join(folder, 'pin');
    writeFileSync(pinFile, 'not the PIN', { mode: 0o600 });
    const helper = bench.open({ ...bench.settings, pinFile });
    const sign = (): Promise<Uint8Array> => helper.signingToken.sign(context, timeoutMs);
    await assert.rejects(sign(), deviceError('device-wrong-pin'));
    // With the file gone, a second login would fail with another code: there is none.
    rmSync(folder, { recursive: true });
    await assert.rejects(sign(), deviceError('device-wrong-pin'));
    await helper.close();
  });
}
