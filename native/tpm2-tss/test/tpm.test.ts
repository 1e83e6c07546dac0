import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

import { after, afterEach, before, beforeEach, describe, it } from 'mocha';

import { type RunningSwtpm, startSwtpm } from '../../../hwtest/backends/swtpm.ts';
import { Tpm, TpmError, constants, queuedCallsMax, structures, templates } from '../lib/index.ts';
import type { ObjectHandle } from '../lib/index.ts';

const digest = (text: string): Uint8Array =>
  Uint8Array.from(createHash('sha256').update(text).digest());

describe('tpm2-tss', function () {
  this.timeout(60_000);
  let folder: string;
  let swtpm: RunningSwtpm;
  let tpm: Tpm;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kudurru-'));
    swtpm = await startSwtpm(folder);
  });
  after(async () => {
    await swtpm.stop();
    rmSync(folder, { recursive: true });
  });
  beforeEach(async () => {
    tpm = await Tpm.open(swtpm.tcti);
  });
  afterEach(async () => {
    tpm.close();
    tpm = await Tpm.open(swtpm.tcti);
    await tpm.platform.flushLeftovers();
    tpm.close();
  });

  const makeRoot = async (): Promise<ObjectHandle> => {
    const template = { publicArea: templates.storageRootKeyTemplate };
    return (await tpm.keys.createPrimary(constants.hierarchy.owner, template)).key;
  };

  it('reads properties, clock and random numbers', async () => {
    const properties = await tpm.platform.properties();
    assert.equal(properties.manufacturer, 'IBM');
    assert.equal(properties.vendorString, 'SW   TPM');
    assert.equal(properties.values.get(constants.property.nvBufferMax), 1024);
    const clock = await tpm.platform.readClock();
    assert(clock.clockMs >= clock.timeMs);
    const random = await tpm.platform.random(70);
    assert.equal(random.length, 70);
    assert.notDeepEqual(random.subarray(0, 32), random.subarray(32, 64));
  });

  it('finds nothing where there is nothing', async () => {
    assert.equal(await tpm.keys.find(0x81004444), undefined);
    assert.equal(await tpm.nv.find(0x01804444), undefined);
  });

  it('makes each endorsement key anew as the TPM’s maker made it', async () => {
    for (const profile of templates.endorsementKeyProfiles) {
      const kept = await tpm.keys.find(profile.persistentHandle);
      if (kept === undefined) continue;
      const { publicArea } = await tpm.keys.readPublic(kept);
      const template = { publicArea: profile.template };
      const made = await tpm.keys.createPrimary(constants.hierarchy.endorsement, template);
      assert.deepEqual(made.publicArea, publicArea, profile.name);
      await tpm.keys.flush(made.key);
    }
  });

  it('uses an endorsement key by policy, where a password is not allowed', async () => {
    const key = await tpm.keys.find(0x81010001);
    assert(key);
    const template = { publicArea: templates.attestationKeyTemplate };
    await assert.rejects(tpm.keys.create(key, template), TpmError);
    const session = await tpm.sessions.startEndorsement();
    const made = await tpm.keys.create(key, template, { sessions: [session] });
    assert.equal(structures.parsePublicArea(made.publicArea).type, constants.algorithm.ecc);
  });

  it('refuses the right key with the wrong authorisation', async () => {
    const root = await makeRoot();
    const template = { publicArea: templates.signingKeyTemplate, authValue: digest('secret') };
    const key = await tpm.keys.load(root, await tpm.keys.create(root, template));
    await assert.rejects(tpm.keys.sign(key, digest('x')), (error) => {
      assert(error instanceof TpmError);
      assert.equal(error.failure, 'refused');
      assert.equal(error.layer, 'tpm');
      assert(error.isTpmCode(0xa2), error.message); // TPM_RC_BAD_AUTH, for a key without lockout
      assert.match(error.text, /authorization/);
      assert.equal(error.mayHaveChanged, false);
      return true;
    });
    await tpm.keys.setAuth(key, digest('secret'));
    assert.equal((await tpm.keys.sign(key, digest('x'))).length, 64);
  });

  it('certifies, quotes and extends', async () => {
    const root = await makeRoot();
    const parts = await tpm.keys.create(root, { publicArea: templates.attestationKeyTemplate });
    const key = await tpm.keys.load(root, parts);
    const object = await tpm.attestations.certify(key, {
      object: root,
      qualifyingData: digest('certify'),
    });
    assert.equal(structures.parseAttest(object.attest).type, constants.attestType.certify);
    const [before] = await tpm.platform.readPcrs([14]);
    await tpm.platform.extendPcr(14, digest('anchor'));
    const [after] = await tpm.platform.readPcrs([14]);
    assert(before && after);
    const extended = createHash('sha256').update(before).update(digest('anchor')).digest();
    assert.deepEqual(Buffer.from(after), extended);
    const quoted = await tpm.attestations.quote(key, {
      pcrs: [14],
      qualifyingData: digest('quote'),
    });
    const { type, attested } = structures.parseAttest(quoted.attest);
    assert.equal(type, constants.attestType.quote);
    const pcrDigest = createHash('sha256').update(after).digest();
    assert.deepEqual(Buffer.from(attested.subarray(-32)), pcrDigest);
  });

  it('counts and extends in NV', async () => {
    const counter = await tpm.nv.defineCounter({ index: 0x01804444 });
    assert.equal(await tpm.nv.readCounter(counter), undefined);
    await tpm.nv.increment(counter);
    const first = await tpm.nv.readCounter(counter);
    await tpm.nv.increment(counter);
    assert(first !== undefined);
    assert.equal(await tpm.nv.readCounter(counter), first + 1n);
    const chain = await tpm.nv.defineExtend({ index: 0x01804445 });
    await tpm.nv.extend(chain, digest('one'));
    const value = createHash('sha256').update(Buffer.alloc(32)).update(digest('one')).digest();
    assert.deepEqual(Buffer.from(await tpm.nv.read(chain)), value);
    await tpm.nv.undefine(counter);
    await tpm.nv.undefine(chain);
    assert.equal(await tpm.nv.find(0x01804444), undefined);
  });

  it('hides an authorisation value from the bus in a salted session', async () => {
    const capture = join(folder, 'bus.pcap');
    const secret = digest('seen by nobody');
    process.env['TCTI_PCAP_FILE'] = capture;
    const watched = await Tpm.open(`pcap:${swtpm.tcti}`);
    const made = await watched.keys.createPrimary(constants.hierarchy.owner, {
      publicArea: templates.storageRootKeyTemplate,
    });
    const session = await watched.sessions.startHmac({ salt: made });
    const definition = { index: 0x01804446, authValue: secret };
    const hidden = await watched.nv.defineCounter(definition, { sessions: [session] });
    await watched.nv.undefine(hidden);
    assert(!readFileSync(capture).includes(Buffer.from(secret)));
    const shown = await watched.nv.defineCounter(definition);
    await watched.nv.undefine(shown);
    assert(readFileSync(capture).includes(Buffer.from(secret)));
    watched.close();
  });

  it('refuses arguments that fit no command', async () => {
    const refused = (error: unknown): boolean =>
      error instanceof TpmError && error.failure === 'argument' && !error.mayHaveChanged;
    const root = await makeRoot();
    await assert.rejects(tpm.keys.create(root, { publicArea: Uint8Array.of(1, 2, 3) }), refused);
    await assert.rejects(tpm.keys.sign(root, new Uint8Array(65)), refused);
    await assert.rejects(tpm.platform.readClock({ timeoutMs: 0 }), refused);
    await assert.rejects(tpm.keys.find(-1), refused);
  });

  it('refuses more calls than its queue holds, and answers the others', async () => {
    const calls = Array.from({ length: queuedCallsMax + 1 }, () => tpm.platform.readClock());
    const outcomes = await Promise.allSettled(calls);
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    assert.equal(refused.length, 1);
    assert(refused[0]?.reason instanceof TpmError);
    assert.equal(refused[0].reason.failure, 'queue-full');
  });

  it('is lost after a deadline, and interrupted by close', async () => {
    await swtpm.suspend();
    const late = tpm.platform.readClock({ timeoutMs: 100 });
    await assert.rejects(
      late,
      (error) => error instanceof TpmError && error.failure === 'deadline',
    );
    swtpm.resume();
    await assert.rejects(
      tpm.platform.readClock(),
      (error) => error instanceof TpmError && error.failure === 'lost',
    );
    const other = await Tpm.open(swtpm.tcti);
    await swtpm.suspend();
    const waiting = assert.rejects(other.platform.readClock({ timeoutMs: 50_000 }), TpmError);
    other.close();
    await waiting;
    swtpm.resume();
  });

  it('waits on the transport itself where it gives a descriptor', async () => {
    // A "TPM" that takes every command and never answers.
    const silent = await Tpm.open('cmd:cat >/dev/null');
    await assert.rejects(silent.platform.readClock({ timeoutMs: 100 }), (error) => {
      assert(error instanceof TpmError);
      assert.equal(error.failure, 'deadline');
      assert.equal(error.layer, 'tcti');
      return true;
    });
    silent.close();
    const interrupted = await Tpm.open('cmd:cat >/dev/null');
    const waiting = interrupted.platform.extendPcr(14, digest('x'), { timeoutMs: 50_000 });
    const queued = interrupted.platform.readClock({ timeoutMs: 50_000 });
    const outcomes = Promise.allSettled([waiting, queued]);
    interrupted.close();
    for (const outcome of await outcomes) {
      assert.equal(outcome.status, 'rejected');
      assert(outcome.reason instanceof TpmError);
    }
  });

  it('says that there is no TPM', async () => {
    await assert.rejects(Tpm.open('swtpm:path=/none'), (error) => {
      assert(error instanceof TpmError);
      assert.equal(error.layer, 'tcti');
      return true;
    });
  });

  it('ends with its environment, calls pending or not', async () => {
    const source = `
      import { Tpm } from ${JSON.stringify(new URL('../lib/index.ts', import.meta.url).href)};
      import { parentPort } from 'node:worker_threads';
      const tpm = await Tpm.open(${JSON.stringify(swtpm.tcti)});
      await tpm.platform.readClock();
      const ignore = () => undefined;
      for (let i = 0; i < 50; i += 1) tpm.platform.random(32).then(ignore, ignore);
      parentPort.postMessage('busy');
    `;
    for (let i = 0; i < 5; i += 1) {
      const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`));
      await new Promise((busy) => worker.once('message', busy));
      await worker.terminate();
    }
    await tpm.platform.readClock();
  });

  it('runs the example of its README', () => {
    const file = fileURLToPath(new URL('example.ts', import.meta.url));
    const env = { ...process.env, TPM_TCTI: swtpm.tcti };
    const output = execFileSync(process.execPath, [file], { env, encoding: 'utf8' });
    assert.match(output, /^IBM: \d+ ms, 64 bytes signed\n$/);
  });
});
