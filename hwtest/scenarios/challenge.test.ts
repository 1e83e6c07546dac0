/** An auditor with files alone: a challenge made, answered by the appliance's TPM, and checked. */
import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { after, before, describe, it } from 'mocha';

import { Appliance } from '../backends/appliance.ts';
import { enrolAgent } from '../backends/control.ts';
import { type CommandEnd, kudurru } from './kudurru.ts';

describe('attestation challenge', function () {
  this.timeout(120_000);
  let folder: string;
  let appliance: Appliance;
  const at = (name: string): string => join(folder, name);
  const run = (...words: readonly string[]): Promise<CommandEnd> =>
    kudurru(words, { currentFolder: folder });
  const good = async (...words: readonly string[]): Promise<string> => {
    const end = await run(...words);
    assert.equal(end.code, 0, end.stderr);
    return end.stdout;
  };
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-'));
    appliance = await Appliance.prepare(at('state'));
    await appliance.start();
    await enrolAgent(appliance.controlSocket, 'clerk');
    await good('identity', 'export', '--out', 'identity.json', '--state', 'state');
    // Roots of the software TPM's maker, which this folder's own authority plays.
    mkdirSync(at('roots'));
    for (const name of ['swtpm-localca-rootca-cert.pem', 'issuercert.pem']) {
      cpSync(at(`state/devices/ca/state/${name}`), at(`roots/${name}`));
    }
  });
  after(async () => {
    await appliance.stop();
    rmSync(folder, { recursive: true });
  });

  it('is answered by the TPM that holds both keys, and by files alone', async () => {
    await good(
      ...['challenge', '--identity', 'identity.json'],
      ...['--out', 'challenge.bin', '--secret-file', 'keep.bin'],
    );
    assert.equal(statSync(at('keep.bin')).mode & 0o077, 0);
    await good('attest', 'challenge.bin', '--out', 'answer.bin', '--state', 'state');
    const checked = await good('challenge', '--check', 'answer.bin', '--secret-file', 'keep.bin');
    assert.match(checked, /lives in the TPM with this endorsement key/);
    assert.match(checked, /not asked/);
  });

  it('says whose TPM it is where a root vouches for it; exit 3 where none does', async () => {
    const words = ['challenge', '--check', 'answer.bin', '--secret-file', 'keep.bin', '--json'];
    const vouched = JSON.parse(await good(...words, '--ek-roots', 'roots')) as Checked;
    assert.equal(vouched.outcome, 'proven');
    assert.equal(vouched.maker.outcome, 'vouched', vouched.maker.text);
    assert.equal(vouched.label, 'emulated');
    mkdirSync(at('no-roots'));
    const { code, stdout } = await run(...words, '--ek-roots', 'no-roots');
    assert.equal(code, 3);
    assert.equal((JSON.parse(stdout) as Checked).maker.outcome, 'unknown');
  });

  it('is made from a bundle too', async () => {
    await good('prove', '0', '-o', 'genesis.kudurru', '--state', 'state');
    await good(
      ...['challenge', '--identity', 'genesis.kudurru'],
      ...['--out', 'second.bin', '--secret-file', 'second-keep.bin'],
    );
    await good('attest', 'second.bin', '--out', 'second-answer.bin', '--state', 'state');
    await good('challenge', '--check', 'second-answer.bin', '--secret-file', 'second-keep.bin');
    // The answer to one challenge is none to another.
    const mixed = await run(
      'challenge',
      '--check',
      'answer.bin',
      '--secret-file',
      'second-keep.bin',
    );
    assert.equal(mixed.code, 1);
    assert.match(mixed.stderr, /another challenge/);
  });

  it('refuses an answer that was altered, and one by somebody without the TPM', async () => {
    const answer = readFileSync(at('answer.bin'));
    answer[answer.length - 1] = (answer.at(-1) ?? 0) ^ 1;
    writeFileSync(at('altered.bin'), answer);
    const altered = await run('challenge', '--check', 'altered.bin', '--secret-file', 'keep.bin');
    assert.equal(altered.code, 1);
    assert.match(altered.stderr, /could not open the challenge/);
    writeFileSync(at('short.bin'), answer.subarray(1));
    const short = await run('challenge', '--check', 'short.bin', '--secret-file', 'keep.bin');
    assert.equal(short.code, 2);
  });

  it('is refused by an appliance that it was not made for, and when it was altered', async () => {
    const challenge = readFileSync(at('challenge.bin'));
    const middle = challenge.length - 20;
    challenge[middle] = (challenge[middle] ?? 0) ^ 1;
    writeFileSync(at('altered-challenge.bin'), challenge);
    const altered = await run(
      ...['attest', 'altered-challenge.bin', '--out', 'none.bin', '--state', 'state'],
    );
    assert.equal(altered.code, 1);
    assert.match(altered.stderr, /made for another TPM or another ledger/);
    const other = await Appliance.prepare(at('other'));
    try {
      await other.start();
      const end = await run('attest', 'challenge.bin', '--out', 'none.bin', '--state', 'other');
      assert.equal(end.code, 1);
      assert.match(end.stderr, /identity of another appliance/);
    } finally {
      await other.stop();
    }
  });

  it('is never written over a secret that is there', async () => {
    const end = await run(
      ...['challenge', '--identity', 'identity.json'],
      ...['--out', 'third.bin', '--secret-file', 'keep.bin'],
    );
    assert.equal(end.code, 2);
    assert.match(end.stderr, /"keep\.bin" not written/);
    const taken = await run(
      ...['challenge', '--identity', 'identity.json'],
      ...['--out', 'challenge.bin', '--secret-file', 'fourth-keep.bin'],
    );
    assert.equal(taken.code, 2);
    assert(!existsSync(at('fourth-keep.bin')));
  });
});

describe('TPM doctor', function () {
  this.timeout(120_000);
  it('examines the TPM through the daemon, and without it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kudurru-'));
    const appliance = await Appliance.prepare(join(folder, 'state'));
    const run = (...words: readonly string[]): Promise<CommandEnd> =>
      kudurru(['tpm', 'doctor', '--state', 'state', ...words], { currentFolder: folder });
    try {
      const daemon = await appliance.start();
      const found = await run('--runs', '2', '--json');
      assert.equal(found.code, 0, found.stderr);
      const { manufacturer, label, latencies } = JSON.parse(found.stdout) as Examined;
      assert.equal(manufacturer, 'IBM');
      assert.equal(label, 'emulated');
      assert(latencies.some(({ operation }) => operation === 'Quote'));
      assert(!latencies.some(({ operation }) => operation === 'NV_Increment'));
      const offline = await run('--offline');
      assert.equal(offline.code, 1);
      assert.match(offline.stderr, /leave out --offline/);
      await daemon.stop();
      assert.match(daemon.log, /"what":"TPM examined"/);
      const text = await run('--offline', '--runs', '2', '--wear');
      assert.equal(text.code, 0, text.stderr);
      assert.match(text.stdout, /^good +self-test/m);
      assert.match(text.stdout, /^NV_Increment +2 /m);
      assert.match(text.stdout, /^quirk +copied-state: /m);
      // What was measured has left the ledger's own counter alone: the next start goes on.
      await appliance.start();
    } finally {
      await appliance.stop();
      rmSync(folder, { recursive: true });
    }
  });
});

interface Checked {
  readonly outcome: string;
  readonly label: string;
  readonly maker: { readonly outcome: string; readonly text: string };
}

interface Examined {
  readonly manufacturer: string;
  readonly label: string;
  readonly latencies: readonly { readonly operation: string }[];
}
