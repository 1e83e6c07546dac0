import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { connect } from '@kudurru/agent';
import { decodeBase64, decodeProvisioningRecord, ledgerIdOf, verify } from '@kudurru/proof';
import { after, before, describe, it } from 'mocha';

import { PROVISION_STEPS, type ProvisionStep } from '../../daemon/src/provision/provision.ts';
import { makeOperatorKey } from '../backends/operator-key.ts';
import { kudurru, type CommandEnd } from './kudurru.ts';
import type { ProvisionUntil } from './provision-until.ts';
import { makeScratchFolder, Scenario, scenarioTimeoutMs, someAction } from './scenario.ts';

interface Identity {
  readonly provisioningRecord: string;
  readonly trustPolicy: { readonly ledgerId: string };
  readonly operators: readonly { readonly name: string; readonly sshPublicKey: string }[];
  readonly appliance: {
    readonly id: string;
    readonly counter: { readonly index: string; readonly name: string; readonly base: number };
    readonly endorsementKey: { readonly certificates: readonly string[] };
  };
}

interface Answer {
  readonly wasProvisioned: boolean;
  readonly chainEnd: string;
  readonly identity: Identity;
}

describe('kudurru provision', function () {
  this.timeout(scenarioTimeoutMs);
  let scenario: Scenario;
  let folder: string;
  let identity: Identity;

  before(async () => {
    folder = makeScratchFolder();
    for (const name of ['ana', 'carl']) makeOperatorKey(folder, name);
    makeOperatorKey(folder, 'ben', 'ecdsa');
    scenario = await Scenario.prepare('blank');
    takeIssuers(join(scenario.appliance.state, 'devices/ca/state'));
  });
  after(async () => {
    await scenario.end();
    rmSync(folder, { recursive: true });
  });

  it('goes on where it was killed, after any step', async () => {
    for (const step of PROVISION_STEPS.slice(0, -1)) {
      assert.equal(await provisionUntil(step), 'SIGKILL');
      const early = scenario.appliance.launch();
      await assert.rejects(early.ready, /provisioning-unfinished/u);
    }
  });

  it('founds the ledger of its operators, and says what it found', async () => {
    const done = await provision(['--identity', 'identity.json']);
    assert.equal(done.code, 0, done.stderr);
    const answer = JSON.parse(done.stdout) as Answer;
    ({ identity } = answer);
    assert.deepEqual(JSON.parse(readFileSync(join(folder, 'identity.json'), 'utf8')), identity);
    const record = decodeBase64(identity.provisioningRecord);
    assert.equal(Buffer.from(ledgerIdOf(record)).toString('hex'), identity.trustPolicy.ledgerId);
    const { operators, origin } = decodeProvisioningRecord(record);
    assert.equal(origin, 'log.example.org/one');
    const lineOf = (name: string): string =>
      readFileSync(join(folder, `${name}.pub`), 'utf8')
        .split(' ')
        .slice(0, 2)
        .join(' ');
    const wanted = ['ana', 'ben'].map((name) => ({ name, sshPublicKey: lineOf(name) }));
    assert.deepEqual(operators, wanted);
    assert.equal(answer.chainEnd, 'self-signed');
    assert.equal(identity.appliance.endorsementKey.certificates.length, 3);
  });

  it('changes nothing when it is run again', async () => {
    const again = await provision([]);
    const answer = JSON.parse(again.stdout) as Answer;
    assert.equal(answer.wasProvisioned, true);
    assert.deepEqual(answer.identity, identity);
    await scenario.requireWhole();
  });

  it('refuses other operators, another key or another name', async () => {
    const { code, stderr } = await kudurru(
      ['provision', '--state', scenario.appliance.state, '--operator', 'ana=ana.pub'],
      { currentFolder: folder },
    );
    assert.equal(code, 1);
    assert.match(stderr, /founded with origin 'log.example.org\/one'.*operators 'ana', 'ben'/u);
    const other = await provision(['--origin', 'another.example.org']);
    assert.match(other.stderr, /provisioned-otherwise/u);
    const key = await run(['--operator', 'ana=carl.pub', '--operator', 'ben=ben.pub']);
    assert.match(key.stderr, /other operator keys/u);
  });

  it('refuses a TPM and a token that belong to another ledger', async () => {
    const { state } = scenario.appliance;
    const config = join(folder, 'other.toml');
    const devices = join(state, 'devices');
    writeFileSync(
      config,
      `tcti = "swtpm:path=${devices}/tpm.sock"\ntokenPinFile = "${devices}/token-pin"\n` +
        `softhsmConfig = "${devices}/softhsm2.conf"\n`,
    );
    const { code, stderr } = await kudurru(
      [
        ...['provision', '--state', join(folder, 'other'), '--config', config],
        ...['--operator', 'ana=ana.pub', '--json'],
      ],
      { currentFolder: folder },
    );
    assert.equal(code, 1);
    assert.match(stderr, /device-holds-another-ledger/u);
  });

  it('refuses operators that cannot sign', async () => {
    writeFileSync(join(folder, 'rsa.pub'), 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQ== x\n');
    const bad = [
      [['--operator', 'ana'], /NAME=FILE/u],
      [['--operator', 'Ana=ana.pub'], /NAME=FILE/u],
      [['--operator', 'ana=nowhere.pub'], /ENOENT/u],
      [['--operator', 'ana=ana'], /private key/u],
      [['--operator', 'ana=rsa.pub'], /ssh-rsa/u],
      [['--operator', 'ana=ana.pub', '--operator', 'ana=ben.pub'], /named twice/u],
      [['--operator', 'ana=ana.pub', '--operator', 'eve=ana.pub'], /has the same key/u],
    ] as const;
    for (const [words, reason] of bad) {
      const { code, stderr } = await run(words);
      assert.equal(code, 1, stderr);
      assert.match(stderr, reason);
    }
    assert.equal((await run([])).code, 2);
  });

  it('is followed by a first start, which says who the operators are', async () => {
    const daemon = await scenario.appliance.start();
    const status = await scenario.status();
    assert.deepEqual(status.operators, ['ana', 'ben']);
    assert.equal((await scenario.entriesOf('unclean-start')).length, 0);
    const enrolled = await scenario.enrol('clerk');
    await using agent = await connect({ socketPath: scenario.appliance.agentSocket, ...enrolled });
    const receipt = await agent.submit([someAction('after provisioning')]);
    const index = receipt.actions[0]?.index ?? 0n;
    const { overall } = await verify(await scenario.bundle(index), await scenario.policy());
    assert.equal(overall, 'VALID');
    const listed = await ask(['operator', 'list']);
    assert.match(listed.stdout, /ana +ssh-ed25519 +SHA256:/u);
    const exported = await ask(['identity', 'export']);
    assert.deepEqual(JSON.parse(exported.stdout), identity);
    const online = await ask(['policy', 'export']);
    const offline = await kudurru(['policy', 'export', '--identity', 'identity.json'], {
      currentFolder: folder,
    });
    assert.equal(offline.stdout, online.stdout);
    await daemon.stop();
    await scenario.requireWhole();
  });

  async function provision(words: readonly string[]): Promise<CommandEnd> {
    return run(['--operator', 'ana=ana.pub', '--operator', 'ben=ben.pub', ...words]);
  }

  async function provisionUntil(step: ProvisionStep): Promise<NodeJS.Signals | null> {
    const order: ProvisionUntil = {
      flags: { state: scenario.appliance.state, origin: 'log.example.org/one' },
      operators: ['ana=ana.pub', 'ben=ben.pub'],
      step,
    };
    const program = fileURLToPath(new URL('provision-until.ts', import.meta.url));
    const child = fork(program, [], { cwd: folder, execArgv: [] });
    child.send(order);
    return new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
  }

  async function run(words: readonly string[]): Promise<CommandEnd> {
    const all = [
      ...['provision', '--state', scenario.appliance.state, '--json'],
      ...['--endorsement-certificates', 'issuers'],
      ...(words.includes('--origin') ? [] : ['--origin', 'log.example.org/one']),
      ...words,
    ];
    return kudurru(all, { currentFolder: folder });
  }

  async function ask(words: readonly string[]): Promise<CommandEnd> {
    const end = await kudurru([...words, '--state', scenario.appliance.state], {
      currentFolder: folder,
    });
    assert.equal(end.code, 0, end.stderr);
    return end;
  }

  /** Of the authority that signed the software TPM's endorsement key. */
  function takeIssuers(authority: string): void {
    mkdirSync(join(folder, 'issuers'));
    for (const name of ['issuercert.pem', 'swtpm-localca-rootca-cert.pem']) {
      copyFileSync(join(authority, name), join(folder, 'issuers', name));
    }
  }
});
