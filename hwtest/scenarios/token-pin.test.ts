import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { trustPolicyFromJson, verify, type Json } from '@kudurru/proof';
import { afterEach, beforeEach, describe, it } from 'mocha';

import { makeOperatorKey } from '../backends/operator-key.ts';
import { handedOver, openLetter } from '../backends/operator-letter.ts';
import { extendPcr } from '../backends/tpm-commands.ts';
import { commandCode, startTpmProxy } from '../backends/tpm-proxy.ts';
import { kudurru, type CommandEnd } from './kudurru.ts';
import { makeScratchFolder, Scenario, scenarioTimeoutMs } from './scenario.ts';

const pcrOfLoader = 4;
const measured = Buffer.alloc(32, 0x42);

describe("the token's PIN, sealed", function () {
  this.timeout(4 * scenarioTimeoutMs);
  let scenario: Scenario;
  let folder: string;
  const operator = ['--operator', 'ana=ana.pub'];

  beforeEach(() => {
    folder = makeScratchFolder();
    makeOperatorKey(folder, 'ana');
  });
  afterEach(async () => {
    await scenario.end();
    rmSync(folder, { recursive: true });
  });

  it('opens in approved boots, and a new one starts once it is approved', async () => {
    scenario = await Scenario.prepare('blank');
    const { appliance } = scenario;
    await run(['provision', ...operator]);
    assert.equal(existsSync(join(appliance.state, 'devices/token-pin')), false);
    await appliance.start();
    const sealed = { kind: 'sealed', pcrs: [0, 1, 2, 3, 4, 5, 6, 7], isApproved: true } as const;
    assert.deepEqual((await scenario.status()).custody.pin, { ...sealed, approvals: 1 });
    await run(['identity', 'export', '--out', 'founded.json']);
    assert.equal(await expectedBoot(await newestBundle(), 'founded.json'), 'pass');
    await appliance.daemon.stop();

    await extendPcr(appliance.devices.tpm.socketPath, pcrOfLoader, measured);
    await requireRefusedStart();
    const asked = await run(['pin', 'request', '-o', 'boot.json']);
    assert.match(asked.stderr, /PCR 4: [0-9a-f]{64}, approved last: 0{64}\n/u);
    assert.match(asked.stderr, /this boot is not approved/u);
    const letter = openLetter(handedOver(appliance.state, 'boot-approval'), join(folder, 'ana'));
    writeFileSync(join(folder, 'letter.txt'), letter);
    await away(['pin', 'approve', 'boot.json', '--key', 'letter.txt', '-o', 'approved.json']);
    const taken = await run(['pin', 'accept', 'approved.json', '--json']);
    assert.deepEqual(JSON.parse(taken.stdout), { isApproved: true, approvals: 2 });
    await appliance.start();
    const status = await scenario.status();
    assert.deepEqual(status.custody.pin, { ...sealed, approvals: 2 });
    assert.deepEqual([status.boot.state, status.boot.pcrs], ['approved', [pcrOfLoader]]);
    const doctor = await run(['tpm', 'doctor', '--runs', '1']);
    assert.match(doctor.stdout, /good {2}token PIN +sealed, for 2 approved boots/u);
    await run(['identity', 'export', '--out', 'approved-identity.json']);
    assert.match(expectedValue('founded.json'), /^0{64}$/u);
    assert.doesNotMatch(expectedValue('approved-identity.json'), /^0{64}$/u);
    assert.equal(await expectedBoot(await newestBundle(), 'founded.json'), 'unverifiable');
    await appliance.daemon.stop();

    // The boot before is as good as it was.
    await appliance.devices.tpm.powerCycle(true);
    await appliance.start();
    await appliance.daemon.stop();
    await scenario.requireWhole();
  });

  it('is opened by no approval that somebody else made', async () => {
    scenario = await Scenario.prepare('blank');
    const { appliance } = scenario;
    await run(['provision', ...operator]);
    await run(['pin', 'request', '-o', 'boot.json']);
    const letter = openLetter(handedOver(appliance.state, 'boot-approval'), join(folder, 'ana'));
    writeFileSync(join(folder, 'letter.txt'), letter);
    await extendPcr(appliance.devices.tpm.socketPath, pcrOfLoader, measured);
    await away(['pin', 'approve', 'boot.json', '--key', 'letter.txt', '-o', 'approved.json']);
    const approved = JSON.parse(readFileSync(join(folder, 'approved.json'), 'utf8')) as Approved;
    const forgeries: readonly (readonly [string, unknown])[] = [
      ['other values', withValue(approved, 'aa'.repeat(32))],
      ['another ledger', { ...approved, ledgerId: '00'.repeat(32) }],
      ['another key', { ...approved, approvalKey: approved.approvalKey.replaceAll('a', 'b') }],
      ['no signature', { ...approved, signature: '00'.repeat(64) }],
      ['a member more', { ...approved, more: 1 }],
    ];
    for (const [name, forged] of forgeries) {
      writeFileSync(join(folder, 'forged.json'), JSON.stringify(forged));
      const { code, stderr } = await runAny(['pin', 'accept', 'forged.json']);
      assert.equal(code, 1, name);
      assert.match(stderr, /boot not approved/u, name);
    }
    writeFileSync(join(folder, 'letter.txt'), otherKey());
    const other = ['pin', 'approve', 'boot.json', '--key', 'letter.txt'];
    const { code, stderr } = await kudurru(other, { currentFolder: folder });
    assert.equal(code, 1);
    assert.match(stderr, /another than the one that the box asks for/u);
    await requireRefusedStart();
  });

  it('takes over a token that somebody initialised, and leaves its PIN nowhere', async () => {
    scenario = await Scenario.prepare('initialised');
    const { appliance } = scenario;
    const pinFile = join(appliance.state, 'devices/token-pin');
    const pin = readFileSync(pinFile, 'utf8').trimEnd();
    const proxy = await startTpmProxy(folder, appliance.devices.tpm.socketPath);
    try {
      const bus: Buffer[] = [];
      proxy.add({ kind: 'lost-before', when: (command) => (bus.push(command), false) });
      const rewrite = (response: Buffer): Buffer => (bus.push(response), response);
      proxy.add({ command: commandCode.unseal, kind: { rewrite }, times: Infinity });
      await run(['provision', ...operator], proxy.tcti);
      assert.equal(existsSync(pinFile), false);
      await appliance.start({ flags: ['--tcti', proxy.tcti] });
      await appliance.daemon.stop();
      assert.ok(proxy.count(commandCode.unseal) > 0);
      assert.ok(bus.length > 0 && bus.every((bytes) => !bytes.includes(pin)));
    } finally {
      await proxy.stop();
    }
    for (const file of filesBelow(appliance.state)) {
      assert.ok(!readFileSync(file).includes(pin), file);
    }
    const sealed = join(appliance.state, 'devices/tpm-keys/token-pin.json');
    await run(['fsck']);
    chmodSync(sealed, 0o640);
    const { code, stdout } = await runAny(['fsck']);
    assert.equal(code, 1);
    assert.match(stdout, /DAMAGE: sealed-pin-damaged: "[^"]*token-pin.json"[^]*its mode is 640/u);
  });

  it('refuses a token that is initialised and whose PIN nobody tells', async () => {
    scenario = await Scenario.prepare('initialised');
    const { appliance } = scenario;
    const pinFile = join(appliance.state, 'devices/token-pin');
    const pin = readFileSync(pinFile);
    rmSync(pinFile);
    const { code, stderr } = await runAny(['provision', ...operator, '--json']);
    assert.equal(code, 1);
    assert.match(stderr, /device-holds-another-ledger.*nothing is overwritten/u);
    writeFileSync(pinFile, pin, { mode: 0o600 });
    await run(['provision', ...operator]);
  });

  it('is in a file where a ledger was founded without operators', async () => {
    scenario = await Scenario.start();
    await scenario.appliance.daemon.stop();
    const { code, stderr } = await runAny(['pin', 'request', '--json']);
    assert.equal(code, 1);
    assert.match(stderr, /pin-not-sealed/u);
  });

  async function requireRefusedStart(): Promise<void> {
    const daemon = scenario.appliance.launch();
    const { code } = await daemon.ended;
    assert.notEqual(code, 0);
    assert.match(daemon.log, /"code":"boot-not-approved".*PCR 4 shows/u);
  }

  async function run(words: readonly string[], tcti?: string): Promise<CommandEnd> {
    const end = await runAny(words, tcti);
    assert.equal(end.code, 0, end.stderr);
    return end;
  }

  async function runAny(words: readonly string[], tcti?: string): Promise<CommandEnd> {
    const all = [...words, '--state', scenario.appliance.state];
    return kudurru(all, { currentFolder: folder, ...(tcti === undefined ? {} : { tcti }) });
  }

  async function newestBundle(): Promise<Uint8Array> {
    return scenario.bundle((await scenario.size()) - 1n);
  }

  /** Of the PCR that the loader measures into. */
  function expectedValue(identity: string): string {
    const { appliance } = JSON.parse(readFileSync(join(folder, identity), 'utf8')) as Identity;
    return appliance.expectedPcrs.find(({ pcr }) => pcr === pcrOfLoader)?.value ?? '';
  }

  /** What a reader finds whose policy was made of this identity document. */
  async function expectedBoot(bundle: Uint8Array, identity: string): Promise<string | undefined> {
    const words = ['policy', 'export', '--identity', identity, '--expect-pcrs'];
    await away([...words, '--accept', 'emulated', '--time-level', 'UNKNOWN', '-o', 'trust.json']);
    const policy = trustPolicyFromJson(
      JSON.parse(readFileSync(join(folder, 'trust.json'), 'utf8')) as Json,
    );
    const { checks } = await verify(bundle, policy);
    return checks.find(({ id }) => id === 'order.boot-quote')?.outcome;
  }

  /** Without the box. */
  async function away(words: readonly string[]): Promise<void> {
    const { code, stderr } = await kudurru(words, { currentFolder: folder });
    assert.equal(code, 0, stderr);
  }
});

interface Identity {
  readonly appliance: {
    readonly expectedPcrs: readonly { readonly pcr: number; readonly value: string }[];
  };
}

interface Approved {
  readonly approvalKey: string;
  readonly pcrs: readonly { readonly pcr: number; readonly value: string }[];
}

function withValue(approved: Approved, value: string): Approved {
  const pcrs = approved.pcrs.map((each) => (each.pcr === pcrOfLoader ? { ...each, value } : each));
  return { ...approved, pcrs };
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

/** P-256, of nobody. */
function otherKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
}
