/** The addon in more than one environment of a process: each has its own state and its own end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, it } from 'mocha';

import { ED25519, sha256, verifyBatch } from '../lib/index.ts';

const facade = new URL('../lib/index.ts', import.meta.url).href;

/** Runs `body` as a module in a worker, with the facade as `native`; what it posts first. */
async function postedBy(body: string): Promise<unknown> {
  const code = `
    import { parentPort } from 'node:worker_threads';
    import * as native from ${JSON.stringify(facade)};
    ${body}`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
  const ended = once(worker, 'exit');
  const [posted] = (await once(worker, 'message')) as [unknown];
  const [exitCode] = (await ended) as [number];
  assert.equal(exitCode, 0);
  return posted;
}

const batchOf = (count: number): string => `Array.from({ length: ${count} }, () => ({
  alg: native.ED25519, publicKey: Uint8Array.of(0x58, ...Array(31).fill(0x66)),
  message: new Uint8Array(3), signature: new Uint8Array(64),
}))`;

describe('load', () => {
  it('works in a worker beside the main thread', async () => {
    const posted = await postedBy(`
      const accepted = await native.verifyBatch(${batchOf(10)});
      parentPort.postMessage({ digest: native.sha256(Uint8Array.of(1)), accepted });`);
    assert.deepEqual(posted, {
      digest: sha256(Uint8Array.of(1)),
      accepted: Array.from({ length: 10 }, () => false),
    });
  });

  it('has errors of its own environment', async () => {
    const posted = await postedBy(`
      try { native.sha256(1); } catch (error) {
        parentPort.postMessage(error instanceof TypeError);
      }`);
    assert.equal(posted, true);
  });

  it('an environment may end while its batch is being worked on', async () => {
    const ends = Array.from({ length: 4 }, () =>
      postedBy(`
        const batch = native.verifyBatch(${batchOf(2000)});
        batch.then(() => {}, () => {});
        parentPort.postMessage('started');
        process.exit(0);`),
    );
    assert.deepEqual(await Promise.all(ends), ['started', 'started', 'started', 'started']);
    const item = {
      alg: ED25519,
      publicKey: new Uint8Array(32),
      message: new Uint8Array(1),
      signature: new Uint8Array(64),
    } as const;
    assert.deepEqual(await verifyBatch([item]), [false]);
  });
});
