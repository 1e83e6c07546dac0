import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import { encodeCbor } from '@kudurru/proof';
import { after, afterEach, before, describe, it } from 'mocha';

import type { EnrolledAgent } from '../backends/control.ts';
import { requireNothingLeft, Scenario, scenarioTimeoutMs } from './scenario.ts';
import { cborFrame, FRAME, frameOf, WireClient } from './wire-client.ts';
import { WireSession } from './wire-session.ts';

const frameSizeBytesMax = 4_194_304;
const hello = cborFrame(FRAME.hello, [1, 'client']);

/** What is sent as the first bytes of a connection, and the code that ends it. */
const REFUSED: readonly (readonly [what: string, bytes: Uint8Array, code: string])[] = [
  ['a frame of length 0', Uint8Array.of(0, 0, 0, 0), 'frame-empty'],
  ['a frame of a type alone', Uint8Array.of(0, 0, 0, 1, FRAME.hello), 'frame-empty'],
  ['a frame over the limit', header(frameSizeBytesMax + 1, FRAME.submit), 'frame-too-long'],
  ['a length of 2^32 - 1', header(2 ** 32 - 1, FRAME.submit), 'frame-too-long'],
  ['a hello longer than a hello', header(258, FRAME.hello), 'frame-too-long'],
  ['an open longer than an open', header(5000, FRAME.open), 'frame-too-long'],
  ['a type that nobody has', header(2, 0x06), 'frame-type-unknown'],
  ["one of the ledger's own frames", header(2, FRAME.committed), 'frame-type-unknown'],
  ['a request in HTTP', ascii('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), 'frame-too-long'],
  ['a submission before a session', header(100, FRAME.submit), 'session-not-open'],
  ['a close before a session', header(36, FRAME.close), 'session-not-open'],
  ['an open before the hello', header(100, FRAME.open), 'frame-unexpected'],
  ['two hellos', join(hello, hello), 'frame-unexpected'],
  ['a hello that is not the shortest', helloOf(0x82, 0x18, 1, 0x61, 0x61), 'frame-not-canonical'],
  ['a hello of no fixed length', helloOf(0x9f, 1, 0x61, 0x61, 0xff), 'frame-not-canonical'],
  ['a hello with a byte behind it', helloOf(0x82, 1, 0x61, 0x61, 0), 'frame-not-canonical'],
  ['a hello that is cut', helloOf(0x82, 1, 0x62, 0x61), 'frame-not-canonical'],
  ['a hello that is not UTF-8', helloOf(0x82, 1, 0x61, 0xff), 'frame-not-canonical'],
  ['a hello with duplicate keys', helloOf(0xa2, 1, 2, 1, 3), 'frame-not-canonical'],
  ['a hello that is a map', helloOf(0xa1, 1, 2), 'frame-malformed'],
  ['a hello of another version', cborFrame(FRAME.hello, [2, 'client']), 'frame-malformed'],
  ['a hello without a name', cborFrame(FRAME.hello, [1, '']), 'frame-malformed'],
];

describe('bad frames', function () {
  this.timeout(scenarioTimeoutMs);
  let scenario: Scenario;
  let enrolled: EnrolledAgent;
  let bystander: WireSession;

  before(async () => {
    scenario = await Scenario.start();
    enrolled = await scenario.enrol('honest');
    bystander = await WireSession.open(scenario.appliance.agentSocket, enrolled);
  });
  after(async () => {
    bystander.client.destroy();
    await scenario.end();
  });
  afterEach('another connection is served as before', async () => {
    await bystander.submit();
  });

  for (const [what, bytes, code] of REFUSED) {
    it(`refuses ${what}: ${code}, and ends the connection`, () =>
      requireNothingLeft(scenario, async () => {
        const client = await connect();
        client.send(bytes);
        await requireRefusedAndEnded(client, code);
      }));
  }

  it('refuses bytes that mean nothing, whatever they are, with a code', () =>
    requireNothingLeft(scenario, async () => {
      for (let seed = 0; seed < 100; seed++) {
        const client = await connect();
        client.send(noise(seed));
        client.finish();
        await requireRefusedAndEnded(client, /^frame-|^session-not-open$/u);
      }
    }));

  it('refuses a hello of noise, with a code', () =>
    requireNothingLeft(scenario, async () => {
      for (let seed = 100; seed < 200; seed++) {
        const client = await connect();
        client.send(frameOf(FRAME.hello, noise(seed)));
        client.finish();
        await requireRefusedAndEnded(client, /^frame-(?:not-canonical|malformed)$/u);
      }
    }));

  it('refuses a submission cut anywhere by the end of its client: frame-truncated', async () => {
    for (const cut of [1, 4, 5, 6, 100, -1]) {
      const session = await WireSession.open(scenario.appliance.agentSocket, enrolled);
      await requireNothingLeft(scenario, async () => {
        session.client.send(session.make().frame.subarray(0, cut));
        session.client.finish();
        await requireRefusedAndEnded(session.client, 'frame-truncated');
      });
    }
  });

  it('forgets what a client that died had sent of a frame', async () => {
    const session = await WireSession.open(scenario.appliance.agentSocket, enrolled);
    const { connections } = await scenario.status();
    await requireNothingLeft(scenario, async () => {
      session.client.send(session.make().frame.subarray(0, 200));
      session.client.destroy();
      await scenario.until(async () => (await scenario.status()).connections < connections);
    });
  });

  it('answers what stood before a bad frame, and then refuses that', async () => {
    const session = await WireSession.open(scenario.appliance.agentSocket, enrolled);
    const statement = session.make();
    session.client.send(join(statement.frame, header(2 ** 31, FRAME.submit)));
    await session.receipt();
    await requireRefusedAndEnded(session.client, 'frame-too-long');
  });

  it('counts what it refused', async () => {
    const { refusals } = await scenario.status();
    assert.ok((refusals['frame-too-long'] ?? 0) >= 5);
    assert.ok((refusals['frame-truncated'] ?? 0) >= 6);
  });

  it('has files that are whole afterwards', () => scenario.requireWhole());

  async function connect(): Promise<WireClient> {
    return WireClient.connect(scenario.appliance.agentSocket);
  }
});

/** The refusal may follow a `welcome`. It is about the connection, names no statement. */
async function requireRefusedAndEnded(client: WireClient, code: string | RegExp): Promise<void> {
  let answer = await client.next();
  if (answer?.type === FRAME.welcome) answer = await client.next();
  assert.equal(answer?.type, FRAME.refused);
  const [firstSequence, found, message, retry] = answer.items;
  assert.equal(firstSequence, null);
  if (typeof code === 'string') assert.equal(found, code);
  else assert.match(String(found), code);
  assert.ok(typeof message === 'string' && message.length > 0);
  assert.equal(retry, 0);
  await client.requireEnd();
}

/** A frame's first five bytes. */
function header(length: number, type: number): Uint8Array {
  const bytes = new Uint8Array(5);
  new DataView(bytes.buffer).setUint32(0, length);
  bytes[4] = type;
  return bytes;
}

function helloOf(...payload: readonly number[]): Uint8Array {
  return frameOf(FRAME.hello, Uint8Array.from(payload));
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function ascii(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'ascii'));
}

/** The same for the same seed. */
function noise(seed: number): Uint8Array {
  const digest = createHash('sha512').update(encodeCbor(seed)).digest();
  return new Uint8Array(digest.subarray(0, 1 + (seed % 64)));
}
