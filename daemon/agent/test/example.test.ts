import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { describe, it } from 'mocha';

import { generateKey } from '../src/key.ts';
import { LedgerServer } from './ledger-server.ts';

const example = fileURLToPath(new URL('./example.ts', import.meta.url));

describe('example', () => {
  it('records an intent and its outcome', async () => {
    const key = generateKey();
    await using server = new LedgerServer(key.publicKey);
    await server.listen();
    const keyFile = join(server.folder, 'key.pem');
    writeFileSync(keyFile, key.exportPem(), { mode: 0o600 });
    const words = [example, server.socketPath, 'spiffe://test.example/agent/one', keyFile];
    const { stdout } = await promisify(execFile)(process.execPath, words);
    assert.equal(stdout, 'recorded from index 2\n');
    assert.equal(server.submissions.length, 2);
  });
});
